package durable

import (
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// links is not told by Windows without opening the file; ReplaceFile has the same effect on the other names.
func links(fs.FileInfo) int { return 1 }

// writable needs no answer: ReplaceFile asks itself, and refuses read-only files.
func writable(string) error { return nil }

// keepOwner needs to do nothing: ReplaceFile keeps the security descriptor.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// renameOver replaces a file and keeps its attributes, access control list and alternate streams.
func renameOver(from, to string) error {
	const ignoreMergeErrors = 2 // REPLACEFILE_IGNORE_MERGE_ERRORS
	f, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	t, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	replaceFile := windows.NewLazySystemDLL("kernel32.dll").NewProc("ReplaceFileW")
	ok, _, err := replaceFile.Call(uintptr(unsafe.Pointer(t)), uintptr(unsafe.Pointer(f)), 0, ignoreMergeErrors, 0, 0)
	if ok != 0 {
		return nil
	}
	return &os.LinkError{Op: "replace", Old: from, New: to, Err: err}
}

// renameNew renames from to to, which must not exist.
func renameNew(from, to string) error {
	f, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	t, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	if err := windows.MoveFileEx(f, t, windows.MOVEFILE_WRITE_THROUGH); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
