package directory

import (
	"context"
	"errors"
	"fmt"
)

// Plan says what Apply would do, and changes nothing. All faults of the whole document are reported together, with paths
// such as "domains[0].members[3].account".
func (d *Directory) Plan(ctx context.Context, w Wanted) ([]Change, error) {
	steps, err := d.plan(ctx, w)
	if err != nil {
		return nil, err
	}
	return changesOf(steps), nil
}

// Apply brings the directory to the state that is wanted, all of it or nothing, and says what it did. What is not mentioned
// stays; applying the same document again changes nothing. A changed connection becomes a new revision that is activated at
// once, in the place of a draft if there is one.
func (d *Directory) Apply(ctx context.Context, actor string, w Wanted) ([]Change, error) {
	var steps []step
	err := d.change(ctx, func(ctx context.Context, _ *changes) (err error) {
		if steps, err = d.plan(ctx, w); err != nil {
			return err
		}
		for _, s := range steps {
			if s.change.Action == ActionNone {
				continue
			}
			if err := s.do(ctx, actor); err != nil {
				return fmt.Errorf("%s: %w", s.path, err)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrSessionsPending) {
		return nil, err
	}
	return changesOf(steps), err
}

// step is one thing of the document: where it stands, what changes, and how.
type step struct {
	path   string
	change Change
	do     func(ctx context.Context, actor string) error
}

func changesOf(steps []step) []Change {
	out := make([]Change, len(steps))
	for i, s := range steps {
		out[i] = s.change
	}
	return out
}

// planner reads the document once, from top to bottom, and gathers steps and faults.
type planner struct {
	d      *Directory
	steps  []step
	faults Faults
}

func (d *Directory) plan(ctx context.Context, w Wanted) ([]step, error) {
	p := &planner{d: d}
	if err := p.services(ctx, w.Services); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, wd := range w.Domains {
		path := fmt.Sprintf("domains[%d]", i)
		name := withDefaults(Domain{Name: wd.Name}).Name
		if seen[name] {
			p.faults.add(path+".name", FaultDuplicate, "the domain stands in the document twice")
		}
		seen[name] = true
		if err := p.domain(ctx, path, wd); err != nil {
			return nil, err
		}
	}
	if err := p.faults.err(); err != nil {
		return nil, err
	}
	return p.steps, nil
}

func (p *planner) add(path, kind, name string, action Action, fields []FieldChange, do func(ctx context.Context, actor string) error) {
	p.steps = append(p.steps, step{path: path, do: do, change: Change{Kind: kind, Name: name, Action: action, Fields: fields}})
}

func (p *planner) services(ctx context.Context, wanted []Service) error {
	if len(wanted) == 0 {
		return nil
	}
	stored, err := p.d.Store.Services(ctx)
	if err != nil {
		return err
	}
	byName := make(map[string]Service, len(stored))
	for _, s := range stored {
		byName[s.Name] = s
	}
	seen := map[string]bool{}
	for i, s := range wanted {
		path := fmt.Sprintf("services[%d]", i)
		p.faults = append(p.faults, checkService(&s).under(path)...)
		if seen[s.Name] {
			p.faults.add(path+".name", FaultDuplicate, "the service stands in the document twice")
		}
		seen[s.Name] = true
		old, known := byName[s.Name]
		fields := diff(serviceView(old), serviceView(s))
		p.add(path, "service", s.Name, action(known, fields), fields, func(ctx context.Context, actor string) error {
			return p.d.PutService(ctx, actor, s)
		})
	}
	return nil
}

func action(known bool, fields []FieldChange) Action {
	switch {
	case !known:
		return ActionAdd
	case len(fields) > 0:
		return ActionUpdate
	}
	return ActionNone
}
