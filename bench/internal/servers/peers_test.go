package servers

import "testing"

func TestParsePeers(t *testing.T) {
	const text = `c3 127.0.0.1:30003@40003,host slave,fail? a1 0 1426238317741 3 connected
a1 127.0.0.1:30001@40001 myself,master - 0 0 7 connected 0-99 101 200-300 [101->-b2] [102-<-b2]
b2 :0@0 master,noaddr - 1426238316232 0 2 disconnected 102
`
	all, self, err := parsePeers(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []peer{
		{id: "a1", epoch: 7, ranges: "0-99 101 200-300"},
		{id: "b2", epoch: 2, ranges: "102", lost: true},
		{id: "c3", epoch: 3, master: "a1", lost: true},
	}
	for i := range want {
		if len(all) != len(want) || all[i] != want[i] {
			t.Fatalf("got %+v, want %+v", all, want)
		}
	}
	if self != want[0] {
		t.Errorf("the node itself is %+v, want %+v", self, want[0])
	}
	for slot, want := range map[int]bool{0: true, 99: true, 100: false, 101: true, 102: false, 250: true, 301: false} {
		if got := self.owns(slot); got != want {
			t.Errorf("has slot %d: %v, want %v", slot, got, want)
		}
	}
	if _, _, err := parsePeers("a1 127.0.0.1:30001@40001 master\n"); err == nil {
		t.Error("an incomplete line causes no error")
	}
}

func TestClaimant(t *testing.T) {
	replaced, heir := peer{epoch: 3, ranges: "0-5"}, peer{epoch: 4, ranges: "0-5"}
	silent, other := peer{}, peer{epoch: 9, ranges: "6-9"}
	for _, peers := range [][]peer{{heir, replaced, other}, {heir, other, replaced}, {heir, silent}} {
		if i := claimant(peers, 1); i != 0 {
			t.Errorf("of %v, %d has slot 1", peers, i)
		}
	}
	if i := claimant([]peer{replaced, silent, heir}, 1); i != 2 {
		t.Errorf("%d has slot 1, not the last", i)
	}
	if i := claimant([]peer{silent, other}, 1); i != -1 {
		t.Errorf("%d has slot 1, which no node has", i)
	}
}
