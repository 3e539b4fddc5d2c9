package compare

import (
	"encoding/json"
	"io"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// The JSON document. bench/README.md documents its fields. Later versions may add fields, but don't change these. Durations
// are whole microseconds.
type (
	document struct {
		Server  string          `json:"server"`
		LeftOut bool            `json:"decisions_left_out"`
		Traces  []documentTrace `json:"traces"`
	}
	documentTrace struct {
		Name       string              `json:"name"`
		About      string              `json:"about"`
		Notes      []string            `json:"notes,omitempty"`
		Start      *time.Time          `json:"start,omitempty"`
		Limit      documentLimit       `json:"limit"`
		And        *documentLimit      `json:"and,omitempty"`
		Aligned    bool                `json:"aligned"`
		Answer     string              `json:"answer"`
		Algorithms []documentAlgorithm `json:"algorithms"`
	}
	documentLimit struct {
		Text   string `json:"text"`
		Rate   int64  `json:"rate"`
		Period int64  `json:"period_us"`
		Burst  int64  `json:"burst"`
	}
	documentAlgorithm struct {
		Algorithm string             `json:"algorithm"`
		SameAs    []string           `json:"same_as,omitempty"`
		Totals    documentTotals     `json:"totals"`
		Keys      []documentKey      `json:"denied_keys,omitempty"`
		Decisions []documentDecision `json:"decisions,omitempty"`
	}
	documentKey struct {
		Key      string `json:"key"`
		Requests int    `json:"requests"`
		Denied   int    `json:"denied"`
	}
	documentTotals struct {
		Requests     int   `json:"requests"`
		Admitted     int   `json:"admitted"`
		Denied       int   `json:"denied"`
		OverLimit    int   `json:"over_limit"`
		Delayed      int   `json:"delayed"`
		AdmittedCost int64 `json:"admitted_cost"`
		MostInPeriod int64 `json:"most_in_period"`
		MostInOther  int64 `json:"most_in_other_period,omitempty"`
		DelayP50     int64 `json:"delay_p50_us"`
		DelayP99     int64 `json:"delay_p99_us"`
		LongestDelay int64 `json:"longest_delay_us"`
		RetryP50     int64 `json:"retry_after_p50_us"`
		RetryP99     int64 `json:"retry_after_p99_us"`
		LongestRetry int64 `json:"longest_retry_after_us"`
	}
	documentDecision struct {
		Offset     int64  `json:"offset_us"`
		Key        string `json:"key"`
		Cost       int64  `json:"cost"`
		Allowed    bool   `json:"allowed"`
		OverLimit  bool   `json:"over_limit"`
		Delay      int64  `json:"delay_us"`
		RetryAfter int64  `json:"retry_after_us"`
		Remaining  int64  `json:"remaining"`
	}
)

// JSON writes the report for machines, as one document, with or without the decisions.
func (r Report) JSON(w io.Writer, decisions bool) error {
	doc := document{Server: r.Server, LeftOut: !decisions, Traces: []documentTrace{}}
	for _, c := range r.Comparisons {
		dt := documentTrace{
			Name: c.Trace.Name, About: c.Trace.About, Notes: c.Trace.Notes, Aligned: c.Aligned, Answer: c.Answer(),
			Limit: limitDocument(c.Trace.Limit),
		}
		if c.Trace.And.Rate > 0 {
			second := limitDocument(c.Trace.And)
			dt.And = &second
		}
		if !c.Trace.Start.IsZero() {
			dt.Start = &c.Trace.Start
		}
		denied := c.denied()
		for i, run := range c.Runs {
			da := run.document(c, decisions)
			for _, k := range denied[:min(len(denied), namedKeys)] {
				da.Keys = append(da.Keys, documentKey{k.key, k.requests, k.by[i]})
			}
			dt.Algorithms = append(dt.Algorithms, da)
		}
		doc.Traces = append(doc.Traces, dt)
	}
	return json.NewEncoder(w).Encode(doc)
}

func limitDocument(limit algorithms.Limit) documentLimit {
	return documentLimit{limit.String(), limit.Rate, limit.Period.Microseconds(), limit.BurstOrRate()}
}

func (r Run) document(c Comparison, decisions bool) documentAlgorithm {
	t := r.Totals
	da := documentAlgorithm{
		Algorithm: r.Names[0], SameAs: r.Names[1:],
		Totals: documentTotals{
			t.Requests, t.Admitted, t.Denied, t.OverLimit, t.Delayed, t.Events, t.MostInPeriod, t.MostInOther,
			us(t.Delay.P50), us(t.Delay.P99), us(t.Delay.Longest), us(t.Retry.P50), us(t.Retry.P99), us(t.Retry.Longest),
		},
	}
	if !decisions {
		return da
	}
	da.Decisions = make([]documentDecision, len(r.Outcomes))
	for i, o := range r.Outcomes {
		a := c.Trace.Arrivals[i]
		da.Decisions[i] = documentDecision{
			us(a.At), a.Key, a.Cost, o.Allowed, o.OverLimit, us(o.Delay), us(o.RetryAfter), o.Remaining,
		}
	}
	return da
}

func us(d time.Duration) int64 { return d.Microseconds() }
