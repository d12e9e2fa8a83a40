//! A queue with a bound, between threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use pftrace::{counter, slice};

use crate::QUEUE;

/// Those that put in wait while it is full, those that take out while it is empty.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    has_room: Condvar,
    has_items: Condvar,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::with_capacity(capacity), closed: false };
        Self { state: Mutex::new(state), has_room: Condvar::new(), has_items: Condvar::new(), capacity }
    }

    /// Does nothing once the queue is closed.
    pub(crate) fn push(&self, item: T) {
        let _put = slice!(QUEUE, "put into the queue");
        let full = |state: &mut State<T>| state.items.len() == self.capacity && !state.closed;
        let state = self.has_room.wait_while(self.lock(), full);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if !state.closed {
            state.items.push_back(item);
            // While the lock is held, so that the values come in the order of time.
            counter!(QUEUE, "files in the queue", state.items.len());
            self.has_items.notify_one();
        }
    }

    /// `None` when the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        let _take = slice!(QUEUE, "take from the queue");
        let empty = |state: &mut State<T>| state.items.is_empty() && !state.closed;
        let state = self.has_items.wait_while(self.lock(), empty);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let item = state.items.pop_front()?;
        counter!(QUEUE, "files in the queue", state.items.len());
        self.has_room.notify_one();
        Some(item)
    }

    /// Closes the queue when it is dropped, so also when who fills it gives up: what is in it is still taken out.
    pub(crate) fn close_at_end(&self) -> impl Drop + '_ {
        Closing(self)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A thread that panics with the lock held has left the queue whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Closing<'q, T>(&'q Queue<T>);

impl<T> Drop for Closing<'_, T> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.has_items.notify_all();
        self.0.has_room.notify_all();
    }
}
