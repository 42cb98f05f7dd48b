package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

const commandLimit = 60 * time.Second // the driver gives up a command after 30 s by itself

// driver is the running node/browser.mjs with its Chromium, one for a test binary.
type driver struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr lockedBuffer

	mu      sync.Mutex
	last    int
	waiting map[int]chan answer
	ended   bool
}

type answer struct {
	ID    int             `json:"id"`
	OK    json.RawMessage `json:"ok"`
	Error string          `json:"error"`
}

var shared struct {
	sync.Mutex
	driver *driver
}

// sharedDriver is the one Chromium of this test binary.
func sharedDriver(t testing.TB) *driver {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.driver == nil {
		shared.driver = startDriver(t)
	}
	return shared.driver
}

// startDriver starts a Chromium, with further words for its command line.
func startDriver(t testing.TB, words ...string) *driver {
	t.Helper()
	d := &driver{cmd: exec.Command("node", append([]string{node(t, "browser.mjs")}, words...)...), waiting: map[int]chan answer{}}
	d.cmd.Dir, d.cmd.Stderr = node(t), &d.stderr
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // lets it close Chromium
	stdin, err := d.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatalf("e2e: start the browser's driver: %v", err)
	}
	d.stdin = stdin
	go d.listen(stdout)
	return d
}

// stop closes Chromium and waits for it.
func (d *driver) stop() {
	d.stdin.Close()
	d.cmd.Wait()
}

// stopBrowser closes the shared browser.
func stopBrowser() {
	shared.Lock()
	defer shared.Unlock()
	if shared.driver != nil {
		shared.driver.stop()
		shared.driver = nil
	}
}

// listen hands each answer to the call that waits for it.
func (d *driver) listen(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			continue
		}
		d.mu.Lock()
		waiting := d.waiting[a.ID]
		delete(d.waiting, a.ID)
		d.mu.Unlock()
		if waiting != nil {
			waiting <- a
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	for _, waiting := range d.waiting {
		close(waiting)
	}
}

// call sends one command to a context or page (on) and decodes its answer into result, unless that is nil.
func (d *driver) call(on, what string, with, result any) error {
	waiting := make(chan answer, 1)
	line, err := d.enter(waiting, on, what, with)
	if err != nil {
		return err
	}
	if _, err := d.stdin.Write(line); err != nil {
		return fmt.Errorf("e2e: browser: %s: %w\n%s", what, err, d.stderr.String())
	}
	select {
	case a, ok := <-waiting:
		switch {
		case !ok:
			return fmt.Errorf("e2e: browser: %s: the driver has ended\n%s", what, d.stderr.String())
		case a.Error != "":
			return fmt.Errorf("e2e: browser: %s: %s", what, a.Error)
		case result == nil:
			return nil
		}
		return json.Unmarshal(a.OK, result)
	case <-time.After(commandLimit):
		return fmt.Errorf("e2e: browser: %s: no answer", what)
	}
}

// enter gives the command a number and a place in the waiting room.
func (d *driver) enter(waiting chan answer, on, what string, with any) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return nil, errors.New("e2e: browser: the driver has ended")
	}
	if with == nil {
		with = map[string]any{}
	}
	d.last++
	line, err := json.Marshal(map[string]any{"id": d.last, "on": on, "do": what, "with": with})
	if err != nil {
		return nil, err
	}
	d.waiting[d.last] = waiting
	return append(line, '\n'), nil
}
