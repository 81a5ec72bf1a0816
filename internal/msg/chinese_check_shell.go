package msg

// chineseCheckShell has what the checks of the category shell say.
var chineseCheckShell = []entry{
	// titles
	{"what the start-up files of the shell set for Go", "shell 启动文件中与 Go 有关的设置"},
	{"start-up files that set one variable to different values", "启动文件为同一变量设置了不同的值"},
	{"exports that only interactive shells reach", "只有交互式 shell 才会执行的 export"},
	{"variables that depend on how the shell is started", "随 shell 启动方式而变的变量"},
	{"whether the shell starts in time for the editor", "shell 能否在编辑器的时限内启动"},
	{"start-up files that print something in a shell that nobody sees", "启动文件在无人查看的 shell 中输出内容"},
	{"a .envrc for Go that direnv does not load", "direnv 未加载的、与 Go 有关的 .envrc"},

	// shell.exports
	{"%s is set by %s", "%s 由 %s 设置"},
	{"%s is set by %d lines; an interactive login shell ends with %s, other sessions with %s", "%s 由 %d 行设置；交互式登录 shell 最终取自 %s，其他会话取自 %s"},
	{"an interactive login shell ends with %s, other sessions with %s: whoever changes one of the lines sees no effect elsewhere", "交互式登录 shell 最终取自 %s，其他会话取自 %s：只改其中一行，在别处不起作用"},
	{"%s is set by %d lines; %s decides", "%s 由 %d 行设置，最终由 %s 决定"},
	{"no start of the shell reaches the line that sets %s, %s", "无论怎样启动 shell，都不会执行设置 %s 的 %s"},

	// shell.duplicate-exports
	{"%s is set to \"%s\" by %s, and before that to \"%s\" by %s", "%[1]s 被 %[3]s 设为 \"%[2]s\"，而此前已被 %[5]s 设为 \"%[4]s\""},
	{"the last line wins; whoever changes the other one sees no effect", "以最后一行为准；修改另一行不起作用"},
	{"keep the line with the value you want, and remove the others", "保留值正确的一行，删除其余各行"},
	{"%s is added to PATH by %s and by %s", "%s 被 %s 和 %s 重复加入 PATH"},
	{"the second entry has no effect; whoever removes one line still finds the folder on PATH", "第二个条目不起作用；只删除其中一行时，该目录仍在 PATH 中"},
	{"remove one of the lines", "删除其中一行"},

	// shell.interactive-guard
	{"only an interactive shell reaches the line that sets %s, %s: see %s", "只有交互式 shell 才会执行设置 %s 的 %s：见 %s"},
	{"a command through ssh, a script of a login shell and what they start go without this %s", "通过 ssh 执行的命令、登录 shell 的脚本及其启动的程序都没有这个 %s"},
	{"move the line %s in front of %s, or into %s", "把 %s 移到 %s 之前，或移到 %s 中"},

	{"move the line %s in front of %s", "把 %s 移到 %s 之前"},

	// shell.mode-divergence
	{"a terminal window has %s=\"%s\", a program that asks a login shell has none", "终端窗口中 %s=\"%s\"，而向登录 shell 查询环境的程序没有这个变量"},
	{"an editor started from the desktop or on a remote machine asks an interactive login shell (-ilc), and goes without this value", "从桌面或在远程机器上启动的编辑器会向交互式登录 shell（-ilc）查询环境，因此得不到这个值"},
	{"set %s in %s, which every such shell reads", "在每个此类 shell 都会读取的 %[2]s 中设置 %[1]s"},
	{"set %s in %s in front of any guard, and let %s read that file", "在 %[2]s 开头（任何交互判断之前）设置 %[1]s，并让 %[3]s 读取该文件"},
	{"set %s in %s, and name that file in ENV", "在 %[2]s 中设置 %[1]s，并让 ENV 指向该文件"},
	{"only a login shell has %s=\"%s\", a terminal window that is none has not", "只有登录 shell 中 %s=\"%s\"，非登录 shell 的终端窗口没有"},
	{"a terminal window of a desktop session that has read no login files goes without it", "如果桌面会话没有读取登录文件，其终端窗口就得不到它"},
	{"%s is \"%s\" in a terminal window and \"%s\" in a login shell, which editors ask", "%s 在终端窗口中为 \"%s\"，在编辑器所查询的登录 shell 中为 \"%s\""},
	{"the editor and the terminal give the go command different settings", "编辑器和终端传给 go 命令的设置不同"},
	{"remove the other lines that set it", "删除设置它的其他行"},
	{"a terminal window has %s on PATH, a program that asks a login shell has not", "终端窗口的 PATH 中有 %s，而向登录 shell 查询环境的程序没有"},
	{"an editor started from the desktop or on a remote machine asks an interactive login shell (-ilc), and does not find the programs there", "从桌面或在远程机器上启动的编辑器会向交互式登录 shell（-ilc）查询环境，因此找不到该目录中的程序"},
	{"only a login shell has %s on PATH, a terminal window that is none has not", "只有登录 shell 的 PATH 中有 %s，非登录 shell 的终端窗口没有"},
	{"only interactive shells have %s=\"%s\", a command of a login shell has not", "只有交互式 shell 中 %s=\"%s\"，登录 shell 执行的命令没有"},
	{"only interactive shells have %s on PATH, a command of a login shell has not", "只有交互式 shell 的 PATH 中有 %s，登录 shell 执行的命令没有"},
	{"scripts, scheduled jobs and commands through ssh do not see it", "脚本、定时任务和通过 ssh 执行的命令看不到它"},

	// shell.resolve-slow
	{"an editor that is started from the desktop or on a remote machine waits %d seconds for it, then goes on without PATH and everything else that the start-up files set", "从桌面或在远程机器上启动的编辑器最多等待 %d 秒，之后不再使用启动文件设置的 PATH 等变量"},
	{"see which of these lines it is", "找出是其中哪一行"},
	{"see which line it is", "查看是哪一行"},
	{"%s does not complete its start-up: %s", "%s 的启动过程无法完成：%s"},
	{"%s had not completed its start-up after %d seconds", "%s 在 %d 秒后仍未完成启动"},
	{"%s ends with status %d before it runs the command it was given", "%s 未执行给定的命令就以状态码 %d 退出"},
	{"%s takes %s seconds to start", "%s 启动需要 %s 秒"},
	{"an editor waits for it each time it is started, at most %d seconds", "编辑器每次启动都要等待它，最多 %d 秒"},
	{"each terminal window takes that long to open", "每个终端窗口都要这么久才能打开"},
	{"skip the line when VSCODE_RESOLVING_ENVIRONMENT is set, or when standard output is no terminal", "在设置了 VSCODE_RESOLVING_ENVIRONMENT 或标准输出不是终端时跳过该行"},

	// shell.output-noise
	{"%s prints %d bytes before it runs its command: %q", "%s 在执行命令之前输出了 %d 字节：%q"},
	{"scp, rsync and git over ssh, and tools that read what a command prints, take it for the answer and fail", "scp、rsync、基于 ssh 的 git 以及读取命令输出的工具会把它当作结果，从而出错"},
	{"print only if the shell is interactive, or to standard error", "仅在 shell 为交互式时输出，或输出到标准错误"},

	// shell.direnv
	{"direnv does not load %s, which sets %s: nobody has allowed it as it is now", "direnv 未加载设置 %[2]s 的 %[1]s：其当前内容未获允许"},
	{"terminals in this folder, and editors with direnv, go without these values", "此目录中的终端以及使用 direnv 的编辑器得不到这些值"},
	{"read the file, it can run any program; then allow it", "先阅读该文件（它可以运行任何程序），再允许加载"},
}
