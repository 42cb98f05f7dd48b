package directory

import (
	"context"
	"fmt"
	"regexp"
)

var serviceName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$`)

// PutService adds or replaces a service by name. Errors are Faults.
func (d *Directory) PutService(ctx context.Context, actor string, s Service) error {
	faults := checkService(&s)
	if err := faults.err(); err != nil {
		return err
	}
	s.Updated = d.now()
	return d.change(ctx, func(ctx context.Context, _ *changes) error {
		if err := d.Store.PutService(ctx, s); err != nil {
			return fmt.Errorf("directory: service: %w", err)
		}
		return d.record(ctx, actor, "service.stored", "", s.Name, "access_hosts", cut(serviceView(s)["access_hosts"]))
	})
}

// RemoveService deletes a service, or answers ErrNotFound. Nobody is sent to its hosts any more.
func (d *Directory) RemoveService(ctx context.Context, actor, name string) error {
	if !plain(name) {
		return ErrNotFound
	}
	return d.change(ctx, func(ctx context.Context, _ *changes) error {
		if err := d.Store.DeleteService(ctx, name); err != nil {
			return err
		}
		return d.record(ctx, actor, "service.removed", "", name)
	})
}

// Services lists the stored services by name.
func (d *Directory) Services(ctx context.Context) ([]Service, error) { return d.Store.Services(ctx) }

func checkService(s *Service) Faults {
	var f Faults
	if !serviceName.MatchString(s.Name) {
		f.add("name", FaultPattern, "want lower case letters, digits, hyphen and underscore, at most 64")
	}
	if len(s.AccessHosts) == 0 {
		f.add("access_hosts", FaultRequired, "at least one entry")
	}
	s.AccessHosts = cleanHosts(s.AccessHosts, "access_hosts", &f)
	return f
}
