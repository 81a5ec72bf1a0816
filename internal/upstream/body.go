package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// limitOf returns how many bytes a file of a kind may have.
func limitOf(kind Kind) int64 {
	switch kind {
	case Info:
		return MaxInfo
	case Mod:
		return MaxMod
	}
	return MaxZip
}

// errClosed means that whoever reads wants no more.
var errClosed = errors.New("closed before its end")

// body reads from r what a source sends: at most limit bytes, and exactly size bytes unless that is -1. It is for one
// goroutine, but Close may be called by another.
type body struct {
	r           io.ReadCloser
	from        string
	size, limit int64
	// end, if not nil, is told why there is nothing more to read: nil at the end, or an error, [errClosed] if it was
	// closed before. It may be called more than once.
	end func(error)

	n   int64 // bytes read
	err error // what Read returns from now on
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	// One byte more than is allowed is asked for, to know whether there is one.
	p = p[:min(int64(len(p)), b.limit-b.n+1)]
	n, err := b.r.Read(p)
	if n = max(n, 0); b.n+int64(n) > b.limit {
		n = int(b.limit - b.n)
		err = &Error{From: b.from, Err: ErrTooLarge, Text: fmt.Sprintf("more than %d bytes", b.limit)}
	}
	b.n += int64(n)
	b.err = b.judge(err)
	if b.end != nil && b.err != nil {
		if b.err == io.EOF {
			b.end(nil)
		} else {
			b.end(b.err)
		}
	}
	return n, b.err
}

// judge returns the error of Read for that of the reader below.
func (b *body) judge(err error) error {
	var known *Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case err == io.EOF && (b.size < 0 || b.n == b.size):
		return io.EOF
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		err = io.ErrUnexpectedEOF
		if b.size >= 0 {
			err = fmt.Errorf("%d bytes of %d: %w", b.n, b.size, err)
		}
	case errors.Is(err, fs.ErrNotExist):
		err = errors.New(err.Error()) // the file was there a moment ago: this is no answer to whether it exists
	}
	return unavailable(b.from, err)
}

func (b *body) Close() error {
	err := b.r.Close()
	if b.end != nil {
		b.end(errClosed)
	}
	return err
}

// checkSize returns the error for a file that declares more bytes than it may have.
func checkSize(from string, size, limit int64) error {
	if size > limit {
		return &Error{From: from, Err: ErrTooLarge, Text: fmt.Sprintf("%d bytes, more than %d", size, limit)}
	}
	return nil
}

// memoryFile returns a file that was read already.
func memoryFile(from string, data []byte) *File {
	return &File{ReadCloser: io.NopCloser(bytes.NewReader(data)), Size: int64(len(data)), From: from}
}

// readAll reads a file to its end and closes it.
func readAll(f *File) ([]byte, error) {
	defer f.Close()
	return io.ReadAll(f)
}
