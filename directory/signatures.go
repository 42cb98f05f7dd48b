package directory

import (
	"context"
	"errors"
)

var errU = errors.ErrUnsupported

func (d *Directory) AddDomain(ctx context.Context, actor string, v Domain) (Domain, error) {
	return Domain{}, errU
}
func (d *Directory) UpdateDomain(ctx context.Context, actor string, v Domain) error { return errU }
func (d *Directory) RemoveDomain(ctx context.Context, actor, name string) error     { return errU }
func (d *Directory) Domain(ctx context.Context, name string) (Domain, error)        { return Domain{}, errU }
func (d *Directory) DomainByID(ctx context.Context, id string) (Domain, error)      { return Domain{}, errU }
func (d *Directory) Domains(ctx context.Context, after string, limit int) ([]Domain, error) {
	return nil, errU
}
func (d *Directory) SaveDraft(ctx context.Context, actor, domainID string, c Connection) (Connection, error) {
	return Connection{}, errU
}
func (d *Directory) Activate(ctx context.Context, actor, domainID string, revision int) error {
	return errU
}
func (d *Directory) Live(ctx context.Context, domainID string) (Connection, error) {
	return Connection{}, errU
}
func (d *Directory) Connection(ctx context.Context, domainID string, revision int) (Connection, error) {
	return Connection{}, errU
}
func (d *Directory) Connections(ctx context.Context, domainID string) ([]Connection, error) {
	return nil, errU
}
func (d *Directory) AddMember(ctx context.Context, actor string, m Member) (Member, error) {
	return Member{}, errU
}
func (d *Directory) UpdateMember(ctx context.Context, actor string, m Member) (Member, error) {
	return Member{}, errU
}
func (d *Directory) SetStatus(ctx context.Context, actor, domainID, memberID string, s Status) (Member, error) {
	return Member{}, errU
}
func (d *Directory) Member(ctx context.Context, domainID, id string) (Member, error) {
	return Member{}, errU
}
func (d *Directory) FindMember(ctx context.Context, domainID, ref string) (Member, error) {
	return Member{}, errU
}
func (d *Directory) Members(ctx context.Context, domainID string, f MemberFilter) ([]Member, error) {
	return nil, errU
}
func (d *Directory) SignIn(ctx context.Context, dom Domain, p Person) (Member, bool, error) {
	return Member{}, false, errU
}
func (d *Directory) EndDomainSessions(ctx context.Context, actor, domainID string) error { return errU }
func (d *Directory) EndMemberSessions(ctx context.Context, actor, domainID, memberID string) error {
	return errU
}
func (d *Directory) AddKey(ctx context.Context, actor string, k Key) error             { return errU }
func (d *Directory) PromoteKey(ctx context.Context, actor, domainID, use string) error { return errU }
func (d *Directory) RetireKey(ctx context.Context, actor, domainID, use string) error  { return errU }
func (d *Directory) Keys(ctx context.Context, domainID, use string) ([]Key, error)     { return nil, errU }
func (d *Directory) PutService(ctx context.Context, actor string, s Service) error     { return errU }
func (d *Directory) RemoveService(ctx context.Context, actor, name string) error       { return errU }
func (d *Directory) Services(ctx context.Context) ([]Service, error)                   { return nil, errU }
func (d *Directory) SaveMetadata(ctx context.Context, m Metadata) error                { return errU }
func (d *Directory) Metadata(ctx context.Context, domainID string) (Metadata, error) {
	return Metadata{}, errU
}
func (d *Directory) LiveMetadataURLs(ctx context.Context) (map[string]string, error) {
	return nil, errU
}
func (d *Directory) Revocations(ctx context.Context, after int64, limit int) ([]Revocation, error) {
	return nil, errU
}
func (d *Directory) Plan(ctx context.Context, w Wanted) ([]Change, error) { return nil, errU }
func (d *Directory) Apply(ctx context.Context, actor string, w Wanted) ([]Change, error) {
	return nil, errU
}
