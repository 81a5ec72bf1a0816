//go:build linux

package load

import (
	"bytes"
	"fmt"
	"hash/crc32"
)

// castagnoli returns the polynomial that processors have an instruction for. The table is made once, by hash/crc32.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// head is what is read of a response's header.
type head struct {
	status int
	length int64 // of the body, -1 if it is not said
	close  bool  // the server closes the connection after the body
	size   int   // of the header, with the empty line at its end
}

// parseHead reads a header at the beginning of data. ok is false if its end is missing.
func parseHead(data []byte) (h head, ok bool, err error) {
	h.length = -1
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		return h, false, nil
	}
	h.size = end + 4
	const statusLine = len("HTTP/1.1 200")
	if end < statusLine || !bytes.HasPrefix(data, []byte("HTTP/1.1 ")) {
		return h, true, fmt.Errorf("no HTTP/1.1: %.40q", data)
	}
	status, ok := number(data[len("HTTP/1.1 "):statusLine])
	if !ok {
		return h, true, fmt.Errorf("no status: %.40q", data)
	}
	h.status = int(status)
	for rest := data[:end+2]; ; {
		i := bytes.IndexByte(rest, '\n')
		rest = rest[i+1:]
		if len(rest) == 0 {
			return h, true, nil
		}
		h.field(rest)
	}
}

// field reads one field, at the beginning of data.
func (h *head) field(data []byte) {
	if data[0]|0x20 != 'c' {
		return // as most fields
	}
	line, _, _ := bytes.Cut(data, []byte("\r"))
	if value, ok := field(line, "content-length:"); ok {
		if n, ok := number(value); ok {
			h.length = n
		}
	} else if value, ok := field(line, "connection:"); ok && bytes.EqualFold(value, []byte("close")) {
		h.close = true
	}
}

// field returns the value of a line, if it has the name, written in small letters with its colon.
func field(line []byte, name string) ([]byte, bool) {
	if len(line) < len(name) {
		return nil, false
	}
	for i := range len(name) {
		c := line[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != name[i] {
			return nil, false
		}
	}
	return bytes.TrimSpace(line[len(name):]), true
}

func number(digits []byte) (int64, bool) {
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' || n > 1<<52 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(digits) > 0
}
