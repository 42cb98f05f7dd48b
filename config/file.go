package config

// file mirrors the YAML. It is the only place where a key's name, default and documentation stand; the environment variables,
// the reference (describe.go) and docs/configuration.md are made from it.
//
// Tags: yaml is the key; default is what holds when nothing is set; doc explains it; secret:"true" keeps the value out of
// messages and prints, and adds the key <name>_file; secret:"address" is an address of which only the password is kept out.
type file struct {
	PublicURL      string   `yaml:"public_url" default:"http://127.0.0.1:8080" doc:"The address under which browsers reach ssogate: scheme, host and port, without a path. It must be https unless the host is a loopback address. Everything that identity providers are told (ACS URL, entity ID, redirect URI) is made from it, so changing it later means registering anew at every identity provider."`
	Listen         string   `yaml:"listen" default:"127.0.0.1:8080" doc:"Where browsers, identity providers and proxies connect: host:port."`
	OperatorListen string   `yaml:"operator_listen" default:"127.0.0.1:9090" doc:"Where /metrics, /healthz and /readyz are served to operators: host:port, or off. Keep it away from the internet."`
	ExtraHosts     []string `yaml:"extra_hosts" doc:"Further Host values that are answered, for health checks by address. Requests for any other host than that of public_url are refused with 421."`
	TrustedProxies []string `yaml:"trusted_proxies" doc:"Networks (CIDR) or addresses of the reverse proxies in front. Only from these is X-Forwarded-For believed. Never 0.0.0.0/0."`
	DataDir        string   `yaml:"data_dir" default:"./ssogate-data" doc:"The folder for everything that is kept in files: the SQLite directory, embedded session state, the master key made at the first start."`

	Database databaseFile  `yaml:"database" doc:"Where domains, connections, members and audit records are kept."`
	Redis    redisFile     `yaml:"redis" doc:"Where sessions, logins under way and rate counters are kept."`
	Keys     keysFile      `yaml:"keys" doc:"The keys that seal secrets at rest. Without one, <data_dir>/master.key is made at the first start."`
	Session  sessionFile   `yaml:"session" doc:"How long people stay signed in."`
	Outbound outboundFile  `yaml:"outbound" doc:"What ssogate may call when a customer's administrator types an address (metadata, discovery, token, user information)."`
	SAML     samlFile      `yaml:"saml" doc:"SAML settings that are the same for all domains."`
	Limits   limitsFile    `yaml:"limits" doc:"Rates per minute; 0 turns one off."`
	Log      logFile       `yaml:"log" doc:"The log, one line per event on standard output."`
	Identity identityFile  `yaml:"identity" doc:"What the services behind the proxy are told by /auth/verify."`
	Services []serviceFile `yaml:"services" doc:"The applications of the product that people may be sent to after signing in. Those stored with ssogate apply are added."`
}

type databaseFile struct {
	URL      string `yaml:"url" secret:"address" doc:"sqlite:<path>, or postgres://user:password@host:5432/name?sslmode=verify-full. Empty means sqlite:<data_dir>/directory.db."`
	MaxConns int    `yaml:"max_conns" default:"20" doc:"Connections to PostgreSQL at most, 1 to 1000."`
}

type redisFile struct {
	Mode             string   `yaml:"mode" default:"embedded" doc:"embedded (a file in data_dir, one process only), single, sentinel or cluster."`
	Addresses        []string `yaml:"addresses" doc:"host:port of the server, of the sentinels, or of some cluster nodes."`
	Master           string   `yaml:"master" doc:"The name of the master that the sentinels watch; only with mode sentinel."`
	Username         string   `yaml:"username" doc:"ACL user; empty is the default user."`
	Password         string   `yaml:"password" secret:"true" doc:"Password of that user."`
	SentinelPassword string   `yaml:"sentinel_password" secret:"true" doc:"Password of the sentinels, when they have one."`
	DB               int      `yaml:"db" default:"0" doc:"Database number, 0 to 15; 0 with mode cluster."`
	TLS              bool     `yaml:"tls" default:"false" doc:"Connect by TLS and check the certificate."`
	CAFile           string   `yaml:"ca_file" doc:"PEM file of the authorities that are trusted instead of the system's."`
	Prefix           string   `yaml:"prefix" default:"ssogate" doc:"What every key begins with: letters, digits, - and _."`
	ClientCache      bool     `yaml:"client_cache" default:"false" doc:"Answer session checks from memory while Redis calls back what changes (CLIENT TRACKING), which spares Redis most of them: a session that was ended is gone some milliseconds later, at most 100 ms. Only with mode single, and not behind an address that moves to another server."`
}

type keysFile struct {
	Current  string   `yaml:"current" secret:"true" doc:"The key that seals, base64 of 32 bytes (openssl rand -base64 32)."`
	Previous []string `yaml:"previous" secret:"true" doc:"Keys that still open what they sealed; kept until everything was sealed anew."`
}

type sessionFile struct {
	Absolute        string `yaml:"absolute" default:"24h" kind:"duration" doc:"A session in a web browser ends this long after signing in."`
	AppAbsolute     string `yaml:"app_absolute" default:"720h" kind:"duration" doc:"The same for mobile and desktop apps."`
	Idle            string `yaml:"idle" default:"8h" kind:"duration" doc:"A session in a web browser ends after this long without a request; one of an app only where its domain sets a limit."`
	LoginWindow     string `yaml:"login_window" default:"30m" kind:"duration" doc:"How long a person may take at the identity provider, 10m to 30m."`
	CookieDomain    string `yaml:"cookie_domain" doc:"Share the session cookie with all hosts under this name, which must be that of public_url or above it. Empty keeps the cookie to one host, which is safer."`
	InsecureCookies bool   `yaml:"insecure_cookies" default:"false" doc:"Cookies without the Secure attribute: only for trying things out, only with an http public_url on a loopback host."`
}

type outboundFile struct {
	AllowNetworks []string `yaml:"allow_networks" doc:"Private networks (CIDR) in which identity providers may be called. All others that are not public are refused."`
	AllowHTTP     bool     `yaml:"allow_http" default:"false" doc:"Also call http addresses, unencrypted."`
	AllowPorts    []int    `yaml:"allow_ports" doc:"Ports besides 443 (and 80 with allow_http)."`
	Proxy         string   `yaml:"proxy" secret:"address" doc:"http(s) proxy for these calls, as a URL. HTTP_PROXY and its relatives are not read."`
	CAFile        string   `yaml:"ca_file" doc:"PEM file of authorities trusted besides the system's."`
}

type samlFile struct {
	ProviderName    string `yaml:"provider_name" default:"ssogate" doc:"ProviderName of our requests: the name that identity providers may show."`
	MetadataRefresh string `yaml:"metadata_refresh" default:"1h" kind:"duration" doc:"How often metadata given as an address is fetched again, 5m to 168h. When that fails the last good copy stays."`
	MetadataValid   string `yaml:"metadata_valid" default:"168h" kind:"duration" doc:"validUntil of our own metadata, from the moment it is asked for, 1h to 8760h."`
	SignMetadata    bool   `yaml:"sign_metadata" default:"false" doc:"Sign our metadata."`
}

type limitsFile struct {
	LoginsPerAddress  int    `yaml:"logins_per_address" default:"1000" doc:"Logins started from one client address (IPv6: from one /64). A company whose people share one address starts all its logins from there on a Monday morning."`
	LoginsPerDomain   int    `yaml:"logins_per_domain" default:"6000" doc:"Logins started in one domain."`
	AnswersPerAddress int    `yaml:"answers_per_address" default:"1000" doc:"Answers of identity providers (ACS, callback) through one client address."`
	DrainWait         string `yaml:"drain_wait" default:"0s" kind:"duration" doc:"How long the gateway goes on answering after it was asked to stop, with /readyz already saying no, so that a load balancer sends nothing new; 0s to 5m."`
	Drain             string `yaml:"drain" default:"20s" kind:"duration" doc:"How long requests under way may take to finish when the process is asked to stop, 1s to 10m."`
}

type logFile struct {
	Format string `yaml:"format" default:"json" doc:"json or text."`
	Level  string `yaml:"level" default:"info" doc:"debug, info, warn or error. A check of a session that is found (GET /auth/verify) shows at debug only: it would be a line for every page view."`
}

type identityFile struct {
	JWT      bool   `yaml:"jwt" default:"false" doc:"Also send the identity as a signed token, for services that do not trust plain headers."`
	JWTLife  string `yaml:"jwt_life" default:"2m" kind:"duration" doc:"How long such a token holds, 10s to 1h."`
	Audience string `yaml:"audience" doc:"The token's audience; empty means public_url."`
}

type serviceFile struct {
	Name        string   `yaml:"name" doc:"What the application is called: letters, digits, -, _ and ."`
	AccessHosts []string `yaml:"access_hosts" doc:"Hosts an accessUrl may point to: board.example.com, board.example.com:8443, *.corp.example, or http://localhost:3000 for development."`
}
