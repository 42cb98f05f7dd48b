-- The directory, for SQLite and PostgreSQL alike. Times and lengths of time are microseconds, a zero time is 0. Settings are
-- JSON without secrets; secrets are sealed texts that open only in their own row.

-- +goose Up
create table domains (
    id                         text    not null primary key,
    name                       text    not null,
    disabled                   boolean not null,
    sso                        boolean not null,
    user_key                   text    not null,
    language                   text    not null,
    time_zone                  text    not null,
    set_expire_time            boolean not null,
    session_idle               bigint  not null,
    session_absolute           bigint  not null,
    just_in_time               boolean not null,
    logout_redirection_domains text    not null,
    generation                 bigint  not null,
    created                    bigint  not null,
    updated                    bigint  not null
);
create unique index domains_name on domains (name);

create table connections (
    domain_id    text   not null references domains (id) on delete cascade,
    revision     bigint not null,
    state        text   not null,
    type         text   not null,
    settings     text   not null,
    secret       text   not null,
    metadata_url text   not null,
    created      bigint not null,
    live         bigint not null,
    primary key (domain_id, revision)
);
create unique index connections_one_draft on connections (domain_id) where state = 'draft';
create unique index connections_one_live on connections (domain_id) where state = 'live';

create table metadata (
    domain_id text   not null primary key references domains (id) on delete cascade,
    url       text   not null,
    document  bytea  not null,
    version   bigint not null,
    fetched   bigint not null,
    tried     bigint not null,
    fault     text   not null,
    extra     text   not null
);

create table members (
    id           text    not null primary key,
    domain_id    text    not null references domains (id) on delete cascade,
    account      text    not null check (account = lower(account)),
    external_key text    not null,
    family_name  text    not null,
    given_name   text    not null,
    nick_name    text    not null,
    private_mail text    not null,
    language     text    not null,
    time_zone    text    not null,
    status       text    not null,
    super_admin  boolean not null,
    generation   bigint  not null,
    version      bigint  not null,
    created      bigint  not null,
    updated      bigint  not null,
    deleted      bigint  not null
);
create unique index members_account on members (account);
create unique index members_external_key on members (domain_id, external_key) where external_key <> '';
create unique index members_one_super_admin on members (domain_id) where super_admin;
create index members_page on members (domain_id, account);
create index members_status on members (domain_id, status, account);
create index members_purge on members (deleted) where deleted > 0;

create table revocations (
    seq        bigint not null primary key,
    domain_id  text   not null,
    member_id  text   not null,
    generation bigint not null,
    happened   bigint not null
);
create unique index revocations_newest on revocations (domain_id, member_id);

create table counters (
    name  text   not null primary key,
    value bigint not null
);
insert into counters (name, value) values ('revocations', 0);

create table signing_keys (
    id          text   not null primary key,
    domain_id   text   references domains (id) on delete cascade,
    purpose     text   not null,
    state       text   not null,
    private     text   not null,
    certificate bytea  not null,
    created     bigint not null
);
create unique index signing_keys_one on signing_keys (coalesce(domain_id, ''), purpose, state) where state in ('current', 'next');
create index signing_keys_purpose on signing_keys (domain_id, purpose, created);

create table services (
    name         text   not null primary key,
    access_hosts text   not null,
    updated      bigint not null
);

create table attempts (
    ref       text   not null primary key,
    domain_id text   not null,
    verdict   text   not null,
    code      text   not null,
    started   bigint not null,
    expires   bigint not null,
    payload   text   not null
);
create index attempts_started on attempts (started, ref);
create index attempts_domain on attempts (domain_id, started, ref);
create index attempts_verdict on attempts (domain_id, verdict, started, ref);
create index attempts_code on attempts (domain_id, code, started, ref);

create table events (
    id        text   not null primary key,
    domain_id text   not null,
    happened  bigint not null,
    payload   text   not null
);
create index events_happened on events (happened, id);
create index events_domain on events (domain_id, happened, id);

-- +goose Down
drop table events;
drop table attempts;
drop table services;
drop table signing_keys;
drop table counters;
drop table revocations;
drop table members;
drop table metadata;
drop table connections;
drop table domains;
