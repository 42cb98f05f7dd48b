package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Postgres returns the URL of an empty database made for this test on a server shared by the package's tests.
func Postgres(t testing.TB) string {
	t.Helper()
	running.Lock()
	defer running.Unlock()
	if running.postgres == nil {
		running.postgres = newPostgres(t)
		running.stops = append(running.stops, running.postgres.Stop)
	}
	return running.postgres.database(t)
}

// NewPostgres starts a PostgreSQL that only this test uses, with an empty database. The caller stops it.
func NewPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	running.Lock()
	defer running.Unlock()
	p := newPostgres(t)
	p.URL = p.database(t)
	return p
}

// PostgresServer is a PostgreSQL of its own, for tests that kill or freeze it. It is a family of processes, one for each
// connection: what is done to it is done to all of them.
type PostgresServer struct {
	URL string // of the empty database

	dir  string
	port int
	attr *syscall.SysProcAttr
	cmd  *exec.Cmd
	once *sync.Once
}

func newPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "ssogate-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	running.dirs = append(running.dirs, dir)
	p := &PostgresServer{dir: dir, port: FreePort(t), attr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}}
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		const nobody = 65534
		p.attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	initdb := exec.Command(tool(t, "initdb"), "-D", p.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = p.attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("servers: initdb: %v\n%s", err, out)
	}
	p.Start(t)
	return p
}

func (p *PostgresServer) data() string { return filepath.Join(p.dir, "data") }

func (p *PostgresServer) base() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d", p.port)
}

// Start starts the server (again, on the same port and files) and waits until it answers.
func (p *PostgresServer) Start(t testing.TB) {
	t.Helper()
	p.cmd = exec.Command(tool(t, "postgres"), "-D", p.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-k", p.dir, "-c", "fsync=off")
	p.cmd.SysProcAttr, p.cmd.Dir, p.once = p.attr, p.dir, &sync.Once{}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("servers: start postgres: %v", err)
	}
	wait(t, fmt.Sprintf("127.0.0.1:%d", p.port))
	for range 200 { // the port accepts before the server answers
		if exec.Command(tool(t, "psql"), p.base()+"/postgres", "-qc", "select 1").Run() == nil {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("servers: postgres does not answer")
}

// database makes an empty database and returns its URL.
func (p *PostgresServer) database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), time.Now().UnixNano())
	out, err := exec.Command(tool(t, "psql"), p.base()+"/postgres", "-qc", "create database "+name).CombinedOutput()
	if err != nil {
		t.Fatalf("servers: create database: %v\n%s", err, out)
	}
	return p.base() + "/" + name + "?sslmode=disable"
}

// Stop ends the server at once, as "pg_ctl stop -m immediate" does, and waits for it.
func (p *PostgresServer) Stop() {
	p.once.Do(func() {
		p.Thaw()
		p.cmd.Process.Signal(syscall.SIGQUIT)
		p.cmd.Wait()
	})
}

// Kill ends every process of the server by SIGKILL, as a crash of the machine would, and waits until they are gone: before
// that it cannot be started again.
func (p *PostgresServer) Kill() {
	p.once.Do(func() {
		family := p.Freeze() // so that nobody is born meanwhile
		for _, pid := range family {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		p.cmd.Wait()
		for _, pid := range family {
			for range 400 {
				if state, _ := status(pid); state == "" || state == "Z" {
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
	})
}

// Freeze stops every process of the server: connections stay open, the system goes on accepting new ones, nobody answers.
func (p *PostgresServer) Freeze() []int {
	syscall.Kill(p.cmd.Process.Pid, syscall.SIGSTOP)
	family := p.family()
	for _, pid := range family {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	return family
}

// Thaw lets a frozen server go on.
func (p *PostgresServer) Thaw() {
	for _, pid := range p.family() {
		syscall.Kill(pid, syscall.SIGCONT)
	}
}

// family are the server and its children.
func (p *PostgresServer) family() []int {
	own := p.cmd.Process.Pid
	family := []int{own}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if _, parent := status(pid); parent == own {
				family = append(family, pid)
			}
		}
	}
	return family
}

// status reads state and parent of a process; both are zero when there is none.
func status(pid int) (state string, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // the name may hold blanks
	if len(fields) < 2 {
		return "", 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}
