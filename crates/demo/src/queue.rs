//! A queue with a bound, between threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use pftrace::{counter, slice};

use crate::QUEUE;

/// Those that put in wait while it is full, those that take out while it is empty.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::with_capacity(capacity), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity }
    }

    /// Does nothing once the queue is closed.
    pub(crate) fn push(&self, item: T) {
        let mut state = self.lock();
        if state.items.len() == self.capacity {
            let _wait = slice!(QUEUE, "wait for room");
            state = self.wait_while(state, |state| state.items.len() == self.capacity && !state.closed);
        }
        if !state.closed {
            state.items.push_back(item);
            // While the lock is held, so that the values come in the order of time.
            counter!(QUEUE, "files in the queue", state.items.len());
            self.changed.notify_all();
        }
    }

    /// `None` when the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        if state.items.is_empty() && !state.closed {
            let _wait = slice!(QUEUE, "wait for a file");
            state = self.wait_while(state, |state| state.items.is_empty() && !state.closed);
        }
        let item = state.items.pop_front()?;
        counter!(QUEUE, "files in the queue", state.items.len());
        self.changed.notify_all();
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

    fn wait_while<'q>(
        &self,
        state: MutexGuard<'q, State<T>>,
        mut waits: impl FnMut(&State<T>) -> bool,
    ) -> MutexGuard<'q, State<T>> {
        self.changed.wait_while(state, |state| waits(state)).unwrap_or_else(PoisonError::into_inner)
    }
}

struct Closing<'q, T>(&'q Queue<T>);

impl<T> Drop for Closing<'_, T> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}
