package eventlog

import "time"

// span is what one claim adds to its run in one transaction.
type span struct {
	writer   Writer
	requests []*request
	n        int // entries, of all requests
	// What the fence says.
	fenced bool
	events []Event
}

// last is the number of the span's last event.
func (s *span) last() int { return s.events[len(s.events)-1].Seq }

// spansOf gathers the requests of each claim, in order.
func spansOf(requests []*request) []*span {
	var spans []*span
	of := make(map[Writer]*span, len(requests))
	for _, r := range requests {
		s, ok := of[r.writer]
		if !ok {
			s = &span{writer: r.writer, fenced: true}
			of[r.writer] = s
			spans = append(spans, s)
		}
		s.requests = append(s.requests, r)
		s.n += len(r.kinds)
	}
	return spans
}

// answer gives each request its part.
func (s *span) answer(err error) {
	if err == nil && s.fenced {
		err = ErrFenced
	}
	rest := s.events
	for _, r := range s.requests {
		if err != nil {
			r.answer(nil, err)
			continue
		}
		n := len(r.kinds)
		r.answer(rest[:n:n], nil)
		rest = rest[n:]
	}
}

// number gives the span's entries the numbers up to last.
func (s *span) number(into []Event, last int, at time.Time) []Event {
	seq := last - s.n
	from := len(into)
	for _, r := range s.requests {
		for i, kind := range r.kinds {
			seq++
			into = append(into, Event{RunID: s.writer.RunID, Seq: seq, At: at, Kind: kind, Body: r.bodies[i]})
		}
	}
	s.events = into[from:len(into):len(into)]
	return into
}
