package compare

import (
	"encoding/json"
	"io"
	"time"
)

// The JSON document. Its field names and meanings are documented in bench/README.md and stay; more
// may be added. All times are whole microseconds.
type (
	document struct {
		Server string          `json:"server"`
		Traces []documentTrace `json:"traces"`
	}
	documentTrace struct {
		Name       string              `json:"name"`
		About      string              `json:"about"`
		Limit      documentLimit       `json:"limit"`
		Aligned    bool                `json:"aligned"`
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
		Totals    documentTotals     `json:"totals"`
		Decisions []documentDecision `json:"decisions"`
	}
	documentTotals struct {
		Requests     int   `json:"requests"`
		Admitted     int   `json:"admitted"`
		Denied       int   `json:"denied"`
		OverLimit    int   `json:"over_limit"`
		Delayed      int   `json:"delayed"`
		AdmittedCost int64 `json:"admitted_cost"`
		MostInPeriod int64 `json:"most_in_period"`
		LongestDelay int64 `json:"longest_delay_us"`
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

// JSON writes the report for machines, as one document.
func (r Report) JSON(w io.Writer) error { return r.json(w, true) }

// json writes the document, with or without the decisions.
func (r Report) json(w io.Writer, decisions bool) error {
	doc := document{Server: r.Server, Traces: []documentTrace{}}
	for _, c := range r.Comparisons {
		limit := c.Trace.Limit
		dt := documentTrace{
			Name: c.Trace.Name, About: c.Trace.About, Aligned: c.Aligned,
			Limit: documentLimit{limit.String(), limit.Rate, limit.Period.Microseconds(), limit.BurstOrRate()},
		}
		for _, run := range c.Runs {
			dt.Algorithms = append(dt.Algorithms, run.document(c, decisions))
		}
		doc.Traces = append(doc.Traces, dt)
	}
	return json.NewEncoder(w).Encode(doc)
}

func (run Run) document(c Comparison, decisions bool) documentAlgorithm {
	t := run.Totals
	da := documentAlgorithm{
		Algorithm: run.Kind.Name,
		Totals: documentTotals{
			t.Requests, t.Admitted, t.Denied, t.OverLimit, t.Delayed, t.Events, t.MostInPeriod,
			us(t.LongestDelay), us(t.LongestRetry),
		},
	}
	if !decisions {
		return da
	}
	da.Decisions = make([]documentDecision, len(run.Outcomes))
	for i, o := range run.Outcomes {
		a := c.Trace.Arrivals[i]
		da.Decisions[i] = documentDecision{
			us(a.At), a.Key, a.Cost, o.Allowed, o.OverLimit, us(o.Delay), us(o.RetryAfter), o.Remaining,
		}
	}
	return da
}

func us(d time.Duration) int64 { return d.Microseconds() }
