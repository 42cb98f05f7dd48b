package sso

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// fetchesAtOnce bounds a round of refreshes: one slow provider must not hold up those of ten thousand others.
const fetchesAtOnce = 8

// Run refreshes every live connection's metadata that was last tried longer than every ago, until ctx ends. Nodes do this
// each for itself, at times of their own; the documents are the same.
func (f *Refresher) Run(ctx context.Context, every time.Duration) {
	for {
		wait := every/20 + rand.N(every/20+1)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			f.Due(ctx, every)
		}
	}
}

// Due refreshes what is due and says how many fetches were good and how many failed.
func (f *Refresher) Due(ctx context.Context, every time.Duration) (good, failed int) {
	addresses, err := f.Directory.LiveMetadataURLs(ctx)
	if err != nil {
		f.Log.Warn("metadata refresh cannot read the directory", "err", err)
		return 0, 0
	}
	var well, ill atomic.Int64
	var group errgroup.Group
	group.SetLimit(fetchesAtOnce)
	for domainID := range addresses {
		group.Go(func() error {
			done, err := f.refresh(ctx, domainID, every)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				ill.Add(1)
				f.Log.Warn("metadata refresh failed, the last good copy stays", "domain_id", domainID, "err", faultText(err))
			case done:
				well.Add(1)
			}
			return nil
		})
	}
	_ = group.Wait()
	return int(well.Load()), int(ill.Load())
}

// refresh fetches one domain's metadata when it is due, by its connection as it is now.
func (f *Refresher) refresh(ctx context.Context, domainID string, every time.Duration) (done bool, err error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	live, err := f.Directory.Live(ctx, domainID)
	if err != nil || live.SAML == nil || live.SAML.MetadataURL == "" {
		return false, err
	}
	m, err := f.stored(ctx, domainID, live.SAML.MetadataURL)
	if err != nil || f.Now().Sub(m.Tried) < every {
		return false, err
	}
	_, err = f.Fetch(ctx, domainID, *live.SAML)
	return err == nil, err
}
