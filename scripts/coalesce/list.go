package coalesce

// list is a doubly linked list. An element is removed in constant time.
type list[T any] struct {
	first, last *node[T]
	length      int
}

// node is a value's place in a list. It is a part of the value, so that the list allocates nothing.
type node[T any] struct {
	of         *list[T] // nil if the node is in no list
	prev, next *node[T]
	value      T
}

// push adds n at the end, unless it is in a list.
func (l *list[T]) push(n *node[T]) {
	if n.of != nil {
		return
	}
	n.of, n.prev = l, l.last
	if l.last == nil {
		l.first = n
	} else {
		l.last.next = n
	}
	l.last = n
	l.length++
}

// remove takes n out of its list, if it is in one.
func (n *node[T]) remove() {
	l := n.of
	if l == nil {
		return
	}
	if n.prev == nil {
		l.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		l.last = n.prev
	} else {
		n.next.prev = n.prev
	}
	n.of, n.prev, n.next = nil, nil, nil
	l.length--
}
