package target

import "testing"

func TestDescribe(t *testing.T) {
	for info, want := range map[string]string{
		"# Server\r\nredis_version:7.0.15\r\nos:Linux\r\n":                                "Redis 7.0.15",
		"# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r": "Valkey 8.1.1",
		"redis_version:7.4.0\r\ndragonfly_version:df-v1.30.0\r\n":                         "Dragonfly df-v1.30.0",
		"": "a server of unknown version",
	} {
		if got := Describe(info); got != want {
			t.Errorf("INFO %q: got %q, want %q", info, got, want)
		}
	}
}
