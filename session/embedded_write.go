package session

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// over is when a life that begins now ends, in Unix milliseconds; 0 is never.
func (e *embedded) over(life time.Duration) (int64, error) {
	life, err := wholeLife(life)
	if err != nil || life == 0 {
		return 0, err
	}
	return e.now().Add(life).UnixMilli(), nil
}

// bytesOf keeps an empty value apart from none: the column is not null, and the driver reads it back as nil.
func bytesOf(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

func (e *embedded) Set(ctx context.Context, key string, value []byte, life time.Duration) error {
	expires, err := e.over(life)
	if err != nil {
		return err
	}
	return e.exec(ctx, "set", `insert into state (key, value, expires) values (?, ?, ?)
		on conflict (key) do update set value = excluded.value, expires = excluded.expires`, key, bytesOf(value), expires)
}

func (e *embedded) Replace(ctx context.Context, key string, value []byte, life time.Duration) error {
	expires, err := e.over(life)
	if err != nil {
		return err
	}
	return e.existing(ctx, "replace", `update state set value = ?, expires = ? where key = ? and (expires = 0 or expires > ?)`,
		bytesOf(value), expires, key, e.now().UnixMilli())
}

// SetOnce is one statement: it answers with the row when the key was free, over, or holds this very value already.
func (e *embedded) SetOnce(ctx context.Context, key string, value []byte, life time.Duration) (bool, error) {
	expires, err := e.over(life)
	if err != nil {
		return false, err
	}
	var one int
	err = failed("set once", e.write.QueryRowContext(ctx, `insert into state (key, value, expires) values (?1, ?2, ?3)
		on conflict (key) do update set
			expires = case when state.expires > 0 and state.expires <= ?4 then excluded.expires else state.expires end,
			value = excluded.value
		where (state.expires > 0 and state.expires <= ?4) or state.value = excluded.value
		returning 1`, key, bytesOf(value), expires, e.now().UnixMilli()).Scan(&one))
	if errors.Is(err, ErrMissing) {
		return false, nil
	}
	return err == nil, err
}

// Take removes the row in any case and gives its value only to a caller in time.
func (e *embedded) Take(ctx context.Context, key string) (value []byte, err error) {
	var expires int64
	err = e.write.QueryRowContext(ctx, `delete from state where key = ? returning value, expires`, key).Scan(&value, &expires)
	if err != nil {
		return nil, failed("take", err)
	}
	if expires != 0 && expires <= e.now().UnixMilli() {
		return nil, ErrMissing
	}
	return bytesOf(value), nil
}

func (e *embedded) Touch(ctx context.Context, key string, life time.Duration) error {
	if life <= 0 {
		return errLife
	}
	expires, err := e.over(life)
	if err != nil {
		return err
	}
	return e.existing(ctx, "touch", `update state set expires = ? where key = ? and (expires = 0 or expires > ?)`,
		expires, key, e.now().UnixMilli())
}

func (e *embedded) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := e.exec(ctx, "delete", `delete from state where key = ?`, key); err != nil {
			return err
		}
		if err := e.exec(ctx, "delete", `delete from listed where key = ?`, key); err != nil {
			return err
		}
	}
	return nil
}

func (e *embedded) Raise(ctx context.Context, key string, n int64) (int64, error) {
	if n < 0 {
		return 0, errCounter
	}
	var counter []byte
	err := e.write.QueryRowContext(ctx, `insert into state (key, value, expires) values (?, ?, 0)
		on conflict (key) do update set
			value = case when cast(excluded.value as integer) > cast(state.value as integer) then excluded.value else state.value end,
			expires = 0
		returning value`, key, []byte(strconv.FormatInt(n, 10))).Scan(&counter)
	if err != nil {
		return 0, failed("raise", err)
	}
	return parseCounter(string(counter))
}

func (e *embedded) IndexAdd(ctx context.Context, key, member string, expires time.Time) error {
	return e.exec(ctx, "index add", `insert into listed (key, member, expires) values (?, ?, ?)
		on conflict (key, member) do update set expires = excluded.expires`, key, member, expires.UnixMilli())
}

func (e *embedded) IndexRemove(ctx context.Context, key, member string) error {
	return e.exec(ctx, "index remove", `delete from listed where key = ? and member = ?`, key, member)
}

func (e *embedded) Index(ctx context.Context, key string) ([]string, error) {
	rows, err := e.read.QueryContext(ctx, `select member from listed where key = ? and expires > ?`, key, e.now().UnixMilli())
	if err != nil {
		return nil, failed("index", err)
	}
	defer rows.Close()
	var members []string
	for rows.Next() {
		var member string
		if err := rows.Scan(&member); err != nil {
			return nil, failed("index", err)
		}
		members = append(members, member)
	}
	return members, failed("index", rows.Err())
}

// Rate is the same algorithm as in Redis, in memory: after a restart everybody starts afresh.
func (e *embedded) Rate(_ context.Context, key string, limit int, window time.Duration, burst int) (bool, time.Duration, error) {
	step, err := rateStep(limit, window, burst)
	if err != nil {
		return false, 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	arrival := e.rates[key]
	if arrival.Before(now) {
		arrival = now
	}
	arrival = arrival.Add(step)
	wait := arrival.Add(-step * time.Duration(burst)).Sub(now)
	if wait > 0 {
		return false, wait, nil
	}
	e.rates[key] = arrival
	return true, 0, nil
}
