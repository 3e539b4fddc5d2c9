package servers

import (
	"context"
	"fmt"
)

// Kill ends the server's process as kill -9 or a power failure does, and returns when the process has ended. Until
// [Server.Revive], the server's address refuses connections, or closes them at once if it is the published port of a
// container.
func (s *Server) Kill(ctx context.Context) error { return s.control(ctx, "kill", killScript) }

// Revive starts a killed server again, with the same options, address and directory, and returns once it has loaded its data
// and answers. The server has kept its data only if its options ask for persistence, such as "--appendonly", "yes".
func (s *Server) Revive(ctx context.Context) error {
	if err := s.control(ctx, "revive", reviveScript); err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		return fmt.Errorf("can't revive %s: %w", s, err)
	}
	return nil
}

// Pause stops the server's process until [Server.Resume]. The connections stay open, and the kernel accepts new ones, but the
// server doesn't answer.
func (s *Server) Pause(ctx context.Context) error { return s.control(ctx, "pause", pauseScript) }

// Resume continues a paused server.
func (s *Server) Resume(ctx context.Context) error { return s.control(ctx, "resume", resumeScript) }

func (s *Server) control(ctx context.Context, what, script string) error {
	if err := s.shell(ctx, script); err != nil {
		return fmt.Errorf("can't %s %s: %w", what, s, err)
	}
	return nil
}
