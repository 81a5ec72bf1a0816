package explain

import "strconv"

// at returns "file:line".
func at(file string, line int) string { return file + ":" + strconv.Itoa(line) }
