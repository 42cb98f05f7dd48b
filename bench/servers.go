package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// What is measured in processes of their own.
const (
	serveBareGet = "serve bare"
	serveVerify  = "serve verify"
	serveLogin   = "serve login"
	serveCached  = "serve verify from memory"
	revoked      = "revoked"
	serveACS     = "serve acs"
	serveRSA     = "rsa verify beside the servers"
)

const (
	bareEnv = "SSOGATE_BENCH_BARE" // set: this process is the bare handler over the Redis at that address
	bareKey = "bench:bare"
	patient = 20 * time.Second
)

// process is a server that this run started.
type process struct {
	cmd *exec.Cmd
	url string
}

func (p *process) stop() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// start runs a program that dies with this one.
func start(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: start %s: %w", filepath.Base(cmd.Path), err)
	}
	return &process{cmd: cmd}, nil
}

// startRedis runs a Redis that keeps nothing, on a free port.
func startRedis(ctx context.Context) (*process, string, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	_, port, _ := net.SplitHostPort(addr)
	p, err := start(exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--maxmemory-policy", "noeviction", "--dir", os.TempDir(), "--loglevel", "warning"))
	if err != nil {
		return nil, "", err
	}
	p.url = addr
	return p, addr, await(ctx, p, addr)
}

// startBare runs this program again, as the bare handler.
func startBare(redisAddr string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), bareEnv+"="+redisAddr)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	p, err := start(cmd)
	if err != nil {
		return nil, err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("bench: the bare handler did not start: %w", err)
	}
	p.url = strings.TrimSpace(address)
	return p, nil
}

// serveBare is the baseline: net/http, one GET of 400 bytes with go-redis as it comes, and one header. It logs nothing.
func serveBare(redisAddr string, out io.Writer) error {
	client := redis.NewClient(&redis.Options{Addr: redisAddr})
	defer client.Close()
	if err := client.Set(context.Background(), bareKey, strings.Repeat("s", 400), 0).Err(); err != nil {
		return fmt.Errorf("bench: bare handler: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("bench: bare handler: %w", err)
	}
	fmt.Fprintf(out, "http://%s/\n", listener.Addr())
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value, err := client.Get(r.Context(), bareKey).Result()
		if err != nil {
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("X-Auth-Request-User", value[:8])
		w.WriteHeader(http.StatusOK)
	}))
}

// installation is a gateway with a directory of its own.
type installation struct {
	binary, dir, addr, operator string
	env                         []string
}

// install builds the real program for a public URL on a free port, sessions in Redis, without limits on attempts.
func install(ctx context.Context, dir, redisAddr string) (*installation, error) {
	i := &installation{binary: filepath.Join(dir, "ssogate"), dir: dir}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", i.binary, "github.com/ssogate/ssogate/cmd/ssogate").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("bench: build ssogate: %w\n%s", err, out)
	}
	return i, i.move(redisAddr)
}

// move gives the installation addresses.
func (i *installation) move(redisAddr string) (err error) {
	if i.addr, err = freeAddress(); err != nil {
		return err
	}
	if i.operator, err = freeAddress(); err != nil {
		return err
	}
	i.env = append(os.Environ(),
		"SSOGATE_PUBLIC_URL="+i.url(), "SSOGATE_LISTEN="+i.addr, "SSOGATE_OPERATOR_LISTEN="+i.operator, "SSOGATE_DATA_DIR="+i.dir,
		"SSOGATE_REDIS_MODE=single", "SSOGATE_REDIS_ADDRESSES="+redisAddr, "SSOGATE_OUTBOUND_ALLOW_NETWORKS=127.0.0.0/8",
		"SSOGATE_OUTBOUND_ALLOW_HTTP=true", "SSOGATE_LIMITS_LOGINS_PER_ADDRESS=0", "SSOGATE_LIMITS_LOGINS_PER_DOMAIN=0",
		"SSOGATE_LIMITS_ANSWERS_PER_ADDRESS=0",
	)
	return nil
}

func (i *installation) url() string { return "http://" + i.addr }

// apply brings domains into the directory, as an operator would; {url} in them is the public URL.
func (i *installation) apply(ctx context.Context, domains string) error {
	file := filepath.Join(i.dir, "domains.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(domains, "{url}", i.url())), 0o600); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	apply := exec.CommandContext(ctx, i.binary, "apply", "-f", file)
	apply.Env = i.env
	if out, err := apply.CombinedOutput(); err != nil {
		return fmt.Errorf("bench: ssogate apply: %w\n%.2000s", err, out)
	}
	return nil
}

// serve starts the program and does not wait for it. Its log goes to a file.
func (i *installation) serve() (*process, error) {
	log, err := os.Create(filepath.Join(i.dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer log.Close()
	serve := exec.Command(i.binary, "serve")
	serve.Env, serve.Stdout, serve.Stderr = i.env, log, log
	p, err := start(serve)
	if err != nil {
		return nil, err
	}
	p.url = i.url()
	return p, nil
}

// startGateway serves the domains.
func startGateway(ctx context.Context, i *installation, domains string) (*process, error) {
	if err := i.apply(ctx, domains); err != nil {
		return nil, err
	}
	p, err := i.serve()
	if err != nil {
		return nil, err
	}
	return p, await(ctx, p, i.addr)
}

// await waits until a server accepts connections, and stops it when it does not come.
func await(ctx context.Context, p *process, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.stop()
			return fmt.Errorf("bench: %s does not answer: %w", filepath.Base(p.cmd.Path), errors.Join(ctx.Err(), err))
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("bench: free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
