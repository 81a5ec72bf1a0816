package msg

// chineseExplain has the sentences of internal/explain.
var chineseExplain = []entry{
	{"gopls runs go with GOPROXY=off except for the first load and explicit commands", "除首次加载和显式执行的命令外，gopls 以 GOPROXY=off 运行 go"},
	{"every other go command here stops with: %s", "此处的其他 go 命令都会报错退出：%s"},
	{"which toolchain runs here is unknown: %s", "不清楚此处运行哪个工具链：%s"},
	{"go commands here run %s, which reads its own go.env", "此处的 go 命令运行的是 %s，它读取自己的 go.env"},
	{"go build, go list and go mod stop with: %s", "go build、go list、go mod 会报错退出：%s"},
	{"removes the variable", "移除该变量"},
	{"removed later by %s", "之后被 %s 移除"},
	{"perhaps overwritten later by %s", "之后可能被 %s 覆盖"},
	{"overwritten later by %s", "之后被 %s 覆盖"},
	{"would win, but: %s", "本应生效，但是：%s"},

	// names
	{"GODEBUG has no such key", "GODEBUG 没有这个键"},
	{"Go does not know %s; did you mean %s", "Go 不认识 %s；是否想写 %s"},
	{"the go command does not know %s", "go 命令不认识 %s"},
	{"GOSUMDB_KEY does not exist; a key is part of GOSUMDB: \"name+hash+key\", or \"name+hash+key URL\"", "GOSUMDB_KEY 不存在；密钥写在 GOSUMDB 中：\"name+hash+key\" 或 \"name+hash+key URL\""},
	{"GONOSUMCHECK does not exist; GONOSUMDB names the modules that are not looked up", "GONOSUMCHECK 不存在；不查询校验和数据库的模块由 GONOSUMDB 指定"},
	{"%s does not exist; the variable is GOPROXY", "%s 不存在；正确的变量是 GOPROXY"},
	{"Go does not read %s; git, which Go runs for direct, does: set HTTPS_PROXY and HTTP_PROXY", "Go 不读取 %s；读取它的是 Go 在 direct 时调用的 git：请设置 HTTPS_PROXY 和 HTTP_PROXY"},
	{"modules are the default since Go 1.16; the only value that changes anything is off, which breaks go install m@v and toolchain switching", "自 Go 1.16 起默认启用模块；只有 off 会改变行为，而它会使 go install m@v 和工具链切换失效"},

	// running processes
	{"stale: a new one would get %s; %s", "已过期：新启动的进程会得到 %s；%s"},
	{"run \"Go: Restart Language Server\"; if it stays, \"Developer: Reload Window\", because the Go extension keeps what it copied at activation", "请运行 \"Go: Restart Language Server\"；若仍未更新，再运行 \"Developer: Reload Window\"，因为 Go 扩展会保留激活时复制的值"},
	{"end the debug session and start it again", "请结束调试会话后重新开始"},
	{"it keeps its environment until it ends", "它的环境在退出之前不会改变"},
	{"stop the server (\"Remote-SSH: Kill VS Code Server on Host\") and connect again; reloading the window is not enough", "请停止服务器（\"Remote-SSH: Kill VS Code Server on Host\"）后重新连接；仅重新加载窗口不够"},
	{"quit the editor completely and start it again; reloading the window is not enough", "请完全退出编辑器后重新启动；仅重新加载窗口不够"},
	{"the go command stops with: %s", "go 命令会报错退出：%s"},

	// ways of modules and URLs
	{"the way cannot be told: %s", "无法确定获取途径：%s"},
	{"it matches %q of %s, so it comes from version control", "它匹配 %[2]s 中的 %[1]q，因此从版本控制获取"},
	{"%d. version control, before the list", "%d. 版本控制，在列表之前"},
	{"the request travels: %s (%s)", "请求途径：%s（%s）"},
	{"asks %s", "请求 %s"},
	{"it fails: %s", "最终失败：%s"},
	{"the go command waits for ever: it has no time limit of its own", "go 命令会一直等待：它自身没有超时限制"},
	{"it comes from %s", "最终由 %s 提供"},
	{"fails: %s", "失败：%s"},
	{"direct, without an HTTP proxy", "直连，不经过 HTTP 代理"},
	{"through %s", "经由 %s"},
}
