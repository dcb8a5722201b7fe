package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

var mark = sentinel{1, 2, 3, 15: 9}

func transcript() ([]frame, []byte) {
	frames := []frame{
		{frameStdout, mark, []byte("h\x00ello")},
		{frameFileEnd, mark, nil},
		{frameBytes, sentinel{}, bytes.Repeat([]byte{0xff}, 300)},
		{frameDone, mark, []byte(`{}`)},
	}
	var b []byte
	for _, f := range frames {
		b = appendFrame(b, f)
	}
	return frames, b
}

func readAll(r io.Reader) (frames []frame, err error) {
	for {
		f, err := readFrame(r)
		if err != nil {
			return frames, err
		}
		frames = append(frames, f)
	}
}

func TestFramesSurviveAnyCut(t *testing.T) {
	want, b := transcript()
	for cut := range len(b) + 1 {
		got, err := readAll(io.MultiReader(bytes.NewReader(b[:cut]), bytes.NewReader(b[cut:])))
		if err != io.EOF {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(frame{})); diff != "" {
			t.Fatalf("cut at %d (-want +got):\n%s", cut, diff)
		}
	}
	if got, err := readAll(iotest.OneByteReader(bytes.NewReader(b))); err != io.EOF || len(got) != len(want) {
		t.Errorf("byte by byte: %d frames, %v", len(got), err)
	}
}

func TestFramesThatEndEarly(t *testing.T) {
	frames, b := transcript()
	ends := map[int]bool{0: true}
	for i, n := 0, 0; i < len(frames); i++ {
		n += headerSize + len(frames[i].payload)
		ends[n] = true
	}
	for cut := range len(b) {
		_, err := readAll(bytes.NewReader(b[:cut]))
		if want := map[bool]error{true: io.EOF, false: io.ErrUnexpectedEOF}[ends[cut]]; err != want {
			t.Errorf("an end after %d bytes gives %v, want %v", cut, err, want)
		}
	}
}

// headerOnly fails the test when more than a header is asked of it: a length
// must be judged before anything is allocated or read for it.
type headerOnly struct {
	t *testing.T
	r io.Reader
}

func (h headerOnly) Read(p []byte) (int, error) {
	if len(p) > headerSize {
		h.t.Errorf("%d bytes were asked for after a bad header", len(p))
	}
	return h.r.Read(p)
}

func TestHeadersThatTheKernelDoesNotSend(t *testing.T) {
	header := func(size uint32, kind frameType) []byte {
		return append(binary.BigEndian.AppendUint32(nil, size), append([]byte{byte(kind)}, mark[:]...)...)
	}
	for name, b := range map[string][]byte{
		"endless":              header(0xffffffff, frameOutput),
		"one byte too long":    header(64<<10+1, frameStdout),
		"an empty chunk":       header(0, frameStderr),
		"an empty JSON":        header(1, frameDone),
		"an end with a body":   header(1, frameFileEnd),
		"a request":            header(4, frameExecute),
		"another type":         header(4, 'Q'),
		"text":                 []byte("Traceback (most recent call last): …"),
		"an artifact's header": header(16<<10+1, frameArtifact),
	} {
		if _, err := readFrame(headerOnly{t, bytes.NewReader(b)}); !errors.Is(err, errFrame) {
			t.Errorf("%s: %v, want errFrame", name, err)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	_, b := transcript()
	f.Add(b)
	f.Add([]byte("junk"))
	f.Add(b[:len(b)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		frames, err := readAll(r)
		if err == nil {
			t.Fatal("endless frames")
		}
		var again []byte
		for _, fr := range frames {
			again = appendFrame(again, fr)
			if _, most, ok := payloadBounds(fr.kind); !ok || len(fr.payload) > int(most) {
				t.Fatalf("a frame %q of %d bytes", byte(fr.kind), len(fr.payload))
			}
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatal("frames that were not sent")
		}
	})
}

func FuzzDecodeOutput(f *testing.F) {
	f.Add([]byte(`{"mimeType":"text/plain","text":"2"}`))
	f.Add([]byte(`{"mimeType":"application/vnd.mark.table+json","table":{"columns":["a"],"rows":[[1],["x"],[null]],"rowCount":3,"truncated":false}}`))
	f.Add([]byte(`{"mimeType":"application/vnd.plotly.v1+json","json":{"data":[],"layout":{"title":"\u0000\ud800"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := decodeOutput(b)
		if err != nil {
			if !errors.Is(err, errFrame) {
				t.Fatalf("%v is no errFrame", err)
			}
			return
		}
		if out.Artifact != nil || len(out.Text) > maxText || out.Table != nil && len(out.Table.Columns) > maxTableColumns {
			t.Fatalf("accepted %+v", out)
		}
	})
}

func FuzzCleanName(f *testing.F) {
	for _, name := range []string{"a.csv", "../../etc/passwd", "..", "", "\x00", "a\u202egpj.exe", "C:\\x\\y.png"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := cleanName(name)
		if got == "" || got[0] == '.' || len(got) > maxName || bytes.ContainsAny([]byte(got), "/\\\x00\n\r\u202e") {
			t.Fatalf("cleanName(%q) = %q", name, got)
		}
	})
}
