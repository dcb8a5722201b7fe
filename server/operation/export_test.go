package operation

// Subscribe begins a subscription, and tells whether it can be shared and whether
// others may go on with its execution.
func (o *Operation) Subscribe() (shared, lends bool) {
	s := o.subscribe()
	return s != nil, s != nil && s.begun != nil
}
