package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"runtime"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/sandbox/child"
	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

func run(ctx context.Context, s Spec) (*Outcome, error) {
	p := program{path: s.Helper, mark: child.Mark, ladder: ladder(), order: walls.Order{CPU: seconds(s.Timeout)}}
	if p.path == "" {
		if err := executable(reflect.ValueOf(run).Pointer()); err != nil {
			return nil, err
		}
		p.path = self
	}
	return p.run(ctx, s)
}

// seconds rounds up, as far as an order can say.
func seconds(d time.Duration) uint64 { return min(uint64(math.Ceil(d.Seconds())), math.MaxUint32) }

// run climbs the ladder to the first rung that holds a child.
func (p program) run(ctx context.Context, s Spec) (*Outcome, error) {
	runtime.LockOSThread() // the thread's end would be the child's
	defer runtime.UnlockOSThread()

	input, err := seal(s.Input)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	var refused []string
	var last refusal
	for _, r := range p.ladder {
		out, err := p.live(ctx, s, r, refused, input)
		if !errors.As(err, &last) {
			return out, err
		}
		refused = append(refused, fmt.Sprintf("%s: %v", r.name, reason(last.error)))
	}
	return nil, fmt.Errorf("%w: %q: %w", ErrUnsupported, refused, last)
}

// live is the life of one child, from its start to its end.
func (p program) live(ctx context.Context, s Spec, r rung, refused []string, input *os.File) (*Outcome, error) {
	c, err := p.start(r, input)
	if err != nil {
		return nil, err
	}
	c.refused = refused
	limited, cancel := context.WithTimeoutCause(ctx, s.Timeout, ErrDeadline)
	defer cancel()
	stop := context.AfterFunc(limited, c.kill)
	out, said := c.talk(s)
	end, err := c.wait()
	interrupted := !stop()
	switch {
	case err != nil:
		return nil, err
	case said == nil && end.done():
		return out, nil
	case interrupted:
		return nil, cause(ctx, limited)
	case said != nil && !errors.Is(said, errHungUp):
		return nil, said
	case end.refused():
		return nil, refusal{fmt.Errorf("the child says %s", escape(end.text))}
	case !end.done():
		return nil, end.error()
	}
	return nil, fmt.Errorf("%w: %w", ErrCrashed, said)
}

// cause is why a child was killed: its caller's reason goes before ours.
func cause(ctx, limited context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.Cause(limited)
}

// errHungUp says that a child stopped talking: how it ended says why.
var errHungUp = errors.New("it stopped talking")

// talk hears what stands, lets the child go on if that is enough, and collects
// what it says. A child that says what it must not is killed.
func (c *process) talk(s Spec) (*Outcome, error) {
	out, err := c.converse(s)
	if err != nil && !errors.Is(err, errHungUp) {
		c.kill()
	}
	c.goAhead.Close()
	return out, err
}

func (c *process) converse(s Spec) (*Outcome, error) {
	greeting := make([]byte, walls.ReportSize)
	if _, err := io.ReadFull(c.output, greeting); err != nil {
		return nil, fmt.Errorf("%w before it told of its walls: %w", errHungUp, err)
	}
	report, ok := walls.ParseReport(greeting)
	if !ok {
		return nil, fmt.Errorf("%w: it does not speak as a child does", ErrCrashed)
	}
	around, err := c.judge(report)
	if err != nil {
		return nil, err
	}
	if around.Level < max(s.Least, formats.SandboxSeccomp) {
		return nil, fmt.Errorf("%w: %v instead of %v, refused: %q", ErrLevel, around.Level, s.Least, around.Refused)
	}
	return c.listen(s, around)
}

// listen lets the child read its input.
func (c *process) listen(s Spec, around formats.Sandbox) (*Outcome, error) {
	if _, err := c.goAhead.Write([]byte{1}); err != nil {
		return nil, fmt.Errorf("%w: %w", errHungUp, err)
	}
	c.reading = true
	output, err := io.ReadAll(io.LimitReader(c.output, s.MaxOutput+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHungUp, err)
	}
	if int64(len(output)) > s.MaxOutput {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrOutput, s.MaxOutput)
	}
	around.MaxRSS = c.peak()
	return &Outcome{Output: output, Sandbox: around}, nil
}
