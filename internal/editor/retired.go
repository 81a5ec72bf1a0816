package editor

import (
	"strings"

	"github.com/goready/goready/internal/msg"
)

// retired is a name that many copy and nothing reads.
type retired struct {
	name    string // a trailing ".*" stands for every name below
	never   bool   // it never existed
	instead string // what works
}

func (r retired) text(name string) msg.Text {
	if r.never {
		return msg.New("%s never existed", name)
	}
	return msg.New("%s was removed from the Go extension", name)
}

func (r retired) better() msg.Text {
	if r.instead == "" {
		return msg.Text{}
	}
	return msg.New("%s", r.instead)
}

// retiredSettings are settings of the Go extension that do not exist: those it dropped (commit a3d76a55 of 2023-10-12
// for v0.40.0, unless said otherwise) and those that only web pages know.
func retiredSettings() []retired {
	const gopls = "gopls"
	return []retired{
		{"go.goproxy", true, `"go.toolsEnvVars": {"GOPROXY": …}`},
		{"go.goprivate", true, `"go.toolsEnvVars": {"GOPRIVATE": …}`},
		{"go.gosumdb", true, `"go.toolsEnvVars": {"GOSUMDB": …}`},
		{"go.proxy", true, `"go.toolsEnvVars": {"GOPROXY": …}`},
		{"go.env", true, "go.toolsEnvVars"},
		{"go.envVars", true, "go.toolsEnvVars"},
		{"go.toolsManagement.downloadLocation", true, "go.toolsGopath"},
		{"go.goplsArgs", true, "go.languageServerFlags"},
		{"go.goplsFlags", true, "go.languageServerFlags"},
		{"go.goplsOptions", true, gopls},
		{"go.gopls", true, gopls},
		{"go.gocodeFlags", false, ""},
		{"go.gocodeAutoBuild", false, ""},
		{"go.gocodePackageLookupMode", false, ""},
		{"go.useCodeSnippetsOnFunctionSuggest", false, `"gopls": {"ui.completion.usePlaceholders": true}`},
		{"go.useCodeSnippetsOnFunctionSuggestWithoutType", false, `"gopls": {"ui.completion.usePlaceholders": true}`},
		{"go.autocompleteUnimportedPackages", false, ""},
		{"go.docsTool", false, ""},
		{"go.useGoProxyToCheckForToolUpdates", false, "go.toolsManagement.checkForUpdates"},
		{"go.gotoSymbol.*", false, ""},
		{"go.liveErrors", false, ""},
		{"go.languageServerExperimentalFeatures", false, ""},   // 2023-06-08
		{"go.languageServerExperimentalFeatures.*", false, ""}, // 2023-06-08
		{"go.overwriteGoplsMiddleware", false, ""},             // 2021
	}
}

// goplsOptions are the options of gopls v0.23.0 (internal/settings Options.setOne), without the deprecated ones.
func goplsOptions() []string {
	return strings.Fields(`env buildFlags directoryFilters workspaceFiles completionDocumentation usePlaceholders deepCompletion
		completeUnimported completionBudget matcher symbolMatcher symbolStyle symbolScope hoverKind linkTarget linksInHover
		importShortcut analyses hints annotations vulncheck codelenses codelens staticcheck local maxFileCacheBytes verboseOutput
		verboseWorkDoneProgress showBugReports gofumpt completeFunctionCalls semanticTokens semanticTokenTypes
		semanticTokenModifiers newGoFileHeader expandWorkspaceToModule experimentalPostfixCompletions templateExtensions
		diagnosticsDelay diagnosticsTrigger analysisProgressReporting standaloneTags subdirWatchPatterns
		reportAnalysisProgressAfter telemetryPrompt linkifyShowMessage includeReplaceInWorkspace zeroConfig pullDiagnostics
		mcpTools renameMovesSubpackages fileWatcher moveType allExperiments`)
}

// retiredGopls are the options that gopls rejects or warns about.
func retiredGopls() []retired {
	return []retired{
		{"allowImplicitNetworkAccess", false, ""},
		{"memoryMode", false, ""},
		{"tempModfile", false, ""},
		{"tempModFile", false, ""},
		{"experimentalWorkspaceModule", false, "go.work"},
		{"experimentalTemplateSupport", false, "templateExtensions"},
		{"experimentalWatchedFileDelay", false, ""},
		{"experimentalPackageCacheKey", false, ""},
		{"experimentalUseInvalidMetadata", false, ""},
		{"allowModfileModifications", false, ""},
		{"newDiff", false, ""},
		{"wantSuggestedFixes", false, ""},
		{"noIncrementalSync", false, ""},
		{"watchFileChanges", false, ""},
		{"go-diff", false, ""},
		{"importsSource", false, ""},
		{"experimentalDisabledAnalyses", false, "analyses"},
		{"disableDeepCompletion", false, "deepCompletion"},
		{"disableFuzzyMatching", false, "matcher"},
		{"wantCompletionDocumentation", false, "completionDocumentation"},
		{"wantUnimportedCompletions", false, "completeUnimported"},
		{"fuzzyMatching", false, "matcher"},
		{"caseSensitiveCompletion", false, "matcher"},
		{"experimentalDiagnosticsDelay", false, "diagnosticsDelay"},
		{"noSemanticString", false, "semanticTokenTypes"},
		{"noSemanticNumber", false, "semanticTokenTypes"},
	}
}

// retiredTools are no longer in the extension's table of tools; gopls or dlv do their work.
func retiredTools() []string {
	return strings.Fields("go-outline gocode gocode-gomod gopkgs guru godef godef-gomod gorename go-symbols goreturns gomodifytags fillstruct dlv-dap gogetdoc")
}

// nearest returns the name that is spelled most like name, or "" if none is near.
func nearest(name string, names []string) string {
	if len(name) > 100 {
		return ""
	}
	best, limit := "", max(2, len(name)/4)+1
	for _, n := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(n), limit); d < limit {
			best, limit = n, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace; limit if it is not below that.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost = 1 + min(prev, row[j], row[j+1])
			}
			prev, row[j+1] = row[j+1], cost
		}
	}
	return min(row[len(b)], limit)
}
