package msg

import "sync"

// entry is a sentence in both languages: its English format, which is the key, and the Simplified Chinese format.
// The arguments may be reordered with explicit indexes (%[2]s).
type entry struct{ english, chinese string }

// chinese returns the catalogue, which maps English formats to Simplified Chinese ones. It is built when the first
// Chinese sentence is wanted: the tables below are plain data, so that a run in English pays nothing for them.
var chinese = sync.OnceValue(func() map[string]string {
	tables := chineseTables()
	n := len(verbatim)
	for _, t := range tables {
		n += len(t)
	}
	m := make(map[string]string, n)
	for _, format := range verbatim {
		m[format] = format
	}
	for _, t := range tables {
		for _, e := range t {
			m[e.english] = e.chinese
		}
	}
	return m
})

// chineseTables returns the sentences of all packages. One that several packages say is in the first table.
func chineseTables() [][]entry {
	return [][]entry{
		chineseShared,
		chineseCheck,
		chineseCheckEnv,
		chineseCheckGo,
		chineseCheckShell,
		chineseCheckValue,
		chineseCLI,
		chineseDoctor,
		chineseEditor,
		chineseExplain,
		chineseFacts,
		chineseGoenv,
		chineseNet,
		chineseShell,
		chineseSnapshot,
		chineseSysenv,
	}
}

// chineseShared has what more than one package says.
var chineseShared = []entry{
	{"%s is unknown: %s", "%s 未知：%s"},
	{"%s is not expanded in this file", "此文件中的 %s 不会展开"},
	{"(not set)", "（未设置）"},
	{"(unknown)", "（未知）"},
	{"empty, which counts as unset", "值为空，视同未设置"},
	{"it depends on %s, which is unknown: %s", "取决于 %s，而它未知：%s"},
	{"the process environment comes first", "进程环境优先"},
	{"the quotes are part of the value", "引号会成为值的一部分"},
	{"the shell's start-up does not complete: %s (%s)", "shell 的启动过程无法完成：%s（%s）"},
	{"the text becomes too long", "替换后的文本过长"},
	{"the value ends in a carriage return", "值以回车符结尾"},
	{"whether %s is on PATH is not known", "不清楚 %s 是否在 PATH 中"},
	{"\"go env %s\" prints it, but nothing uses it: %s is read from the process environment only", "\"go env %s\" 会显示它，但没有程序使用它：%s 只从进程环境读取"},
}
