package servers

import (
	"context"
	"fmt"
)

// Kill ends the server's process as kill -9 or a loss of power does, and returns when it is gone.
// It stays gone until [Server.Revive]: its address refuses connections or, where it is a container's
// published port, closes them at once.
func (s *Server) Kill(ctx context.Context) error { return s.control(ctx, "kill", killScript) }

// Revive starts a killed server again, with the same options, address and directory, and returns
// once it has loaded its data and answers. Unless the options ask for persistence, as "--appendonly",
// "yes" does, there is none to load.
func (s *Server) Revive(ctx context.Context) error {
	if err := s.control(ctx, "revive", reviveScript); err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		return fmt.Errorf("revive %s: %w", s, err)
	}
	return nil
}

// Pause stops the server's process until [Server.Resume]: it keeps its connections, and even accepts
// more, but answers nothing.
func (s *Server) Pause(ctx context.Context) error { return s.control(ctx, "pause", pauseScript) }

// Resume lets a paused server go on.
func (s *Server) Resume(ctx context.Context) error { return s.control(ctx, "resume", resumeScript) }

func (s *Server) control(ctx context.Context, what, script string) error {
	if err := s.shell(ctx, script); err != nil {
		return fmt.Errorf("%s %s: %w", what, s, err)
	}
	return nil
}
