package msg

// chineseSnapshot has what goready says about snapshots.
var chineseSnapshot = []entry{
	{"a machine with %s/%s as recorded on %s by goready %s", "所看的是一台 %s/%s 机器，%s 由 goready %s 记录"},
	{"look at it before you send it: a secret that neither its name nor its form gives away is still there", "发送前请先检查：名称和形式都看不出来的机密仍会留在其中"},
	{"the names of the user and of the machine are in it; --names replaces them", "其中有用户名和主机名；--names 会将它们替换掉"},
	{"the processes", "进程列表"},
	{"the standard output", "标准输出"},
	{"too large to be kept, so it counts as unknown: %s", "过大而未保留，视为未知：%s"},
	{"what the go env file says is not known: %s", "不清楚 go env 文件的内容：%s"},
	{"wrote %s: %d KiB, files: %d, runs of programs: %d, processes: %d, secrets removed: %d", "已写入 %s：%d KiB，文件 %d 个，程序运行 %d 次，进程 %d 个，移除机密 %d 处"},
}
