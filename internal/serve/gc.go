package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/goready/goready/internal/proxy"
	"github.com/goready/goready/internal/store"
)

const gcLong = `Gc removes the least recently used files until no more is stored than cache.max-size allows, and what a crash left.
With --scrub it compares every stored file with the hash it was stored with, and puts those that are damaged into the
folder quarantine; the exit status is then 1 if there were any.

A server does all that itself from time to time. Gc may run while a server uses the same folder.`

func (p Program) gcCommand() *cobra.Command {
	f := &flags{}
	scrub := false
	cmd := &cobra.Command{
		Use: "gc", Short: "Remove what is too much in the store, and find damaged files", Long: gcLong, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := p.untilSignal(cmd.Context())
			defer stop()
			err := p.gc(ctx, cmd, f, scrub)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.maxSize, "max-size", "", "leave at most `SIZE`, such as 20GiB, instead of cache.max-size")
	cmd.Flags().BoolVar(&scrub, "scrub", false, "compare every stored file with its hash")
	return cmd
}

func (p Program) gc(ctx context.Context, cmd *cobra.Command, f *flags, scrub bool) (err error) {
	c, err := f.parse()
	if err == nil {
		err = c.fillData()
	}
	if err != nil {
		return err
	}
	dir := string(c.data)
	if !exists(filepath.Join(dir, "modules")) {
		return usagef("say where the data is with --data DIR or --config FILE", "%s is no data folder of goreadyd", dir)
	}
	s, err := store.OpenDir(store.Config{Root: dir})
	if err != nil {
		return incompletef("", "%w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	out := cmd.OutOrStdout()
	if err := evict(ctx, out, s, c.cache.maxSize.bytes); err != nil {
		return incompletef("", "%w", err)
	}
	server, err := proxy.New(proxy.Config{
		Store: s, AnswerDir: filepath.Join(dir, "answers"), StaleFor: c.cache.stale.Duration, Fresh: c.cache.fresh.Duration,
		Log: slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return incompletef("", "%w", err)
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if err := server.Sweep(ctx); err != nil {
		return incompletef("", "%w", err)
	}
	if !scrub {
		return nil
	}
	if err := server.Scrub(ctx); err != nil {
		return incompletef("", "%w", err)
	}
	if err := newUpkeep(dir, time.Now()).scrubbed(time.Now()); err != nil {
		return incompletef("", "%w", err)
	}
	files, damaged, err := scrubbed(server)
	if err != nil {
		return incompletef("", "%w", err)
	}
	fmt.Fprintf(out, "compared %d files with their hashes: %d damaged\n", files, damaged)
	if damaged > 0 {
		return &failure{Findings, fmt.Errorf("%d damaged files are in %s now", damaged, filepath.Join(dir, "quarantine")),
			"they are fetched again when somebody asks for them"}
	}
	return nil
}

// evict removes what is above the limit; 0 is no limit.
func evict(ctx context.Context, out io.Writer, s *store.Dir, limit int64) error {
	bound := "without a limit"
	if limit > 0 {
		bound = "of at most " + roundSize(limit)
	} else {
		limit = math.MaxInt64
	}
	done, err := store.Evict(ctx, s, store.EvictConfig{Limit: limit})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "removed %d files, %s; %s are stored, %s\n", done.Removed, roundSize(done.Before-done.After), roundSize(done.After), bound)
	if done.Failed > 0 {
		return fmt.Errorf("%d files not removed: %w", done.Failed, done.LastError)
	}
	return nil
}

// scrubbed returns how many files a server has compared with their hashes, and how many of those were damaged.
func scrubbed(server *proxy.Server) (files, damaged int, err error) {
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(server); err != nil {
		return 0, 0, err
	}
	families, err := r.Gather()
	for _, f := range families {
		n := 0
		for _, m := range f.GetMetric() {
			n += int(m.GetCounter().GetValue())
		}
		switch f.GetName() {
		case "goreadyd_scrubbed_files_total":
			files = n
		case "goreadyd_quarantined_total":
			damaged = n
		}
	}
	return files, damaged, err
}
