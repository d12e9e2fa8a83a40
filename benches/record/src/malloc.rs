//! Counts heap allocations by interposing `malloc` itself: a global allocator would miss what C++ allocates and what
//! thread-local destructors do. The executable's definitions take precedence over glibc's for every library in the
//! process, libstdc++'s `operator new` included; `free` stays glibc's, as the memory is glibc's.

use std::cell::Cell;
use std::ffi::{c_int, c_void};

thread_local! {
    /// Constant initialised and without a destructor: reading it never allocates.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// How often the calling thread has allocated.
pub fn allocations() -> u64 {
    ALLOCATIONS.get()
}

#[inline(always)]
fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_memalign(align: usize, size: usize) -> *mut c_void;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    count();
    // SAFETY: as the caller of malloc promises.
    unsafe { __libc_malloc(size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn calloc(items: usize, size: usize) -> *mut c_void {
    count();
    // SAFETY: as the caller of calloc promises.
    unsafe { __libc_calloc(items, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(pointer: *mut c_void, size: usize) -> *mut c_void {
    count();
    // SAFETY: as the caller of realloc promises.
    unsafe { __libc_realloc(pointer, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    count();
    // SAFETY: as the caller of memalign promises.
    unsafe { __libc_memalign(align, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    count();
    // SAFETY: as the caller of aligned_alloc promises.
    unsafe { __libc_memalign(align, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    count();
    // SAFETY: as the caller of posix_memalign promises.
    let pointer = unsafe { __libc_memalign(align, size) };
    if pointer.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: the caller gives a place for the pointer.
    unsafe { out.write(pointer) };
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_rust_and_c() {
        let before = allocations();
        let text = std::hint::black_box(String::from("heap"));
        assert_eq!(allocations(), before + 1, "{text}");
        // SAFETY: strdup of a literal, freed once.
        unsafe { libc::free(std::hint::black_box(libc::strdup(c"c".as_ptr())).cast()) };
        assert_eq!(allocations(), before + 2, "glibc's own calls to malloc");
    }
}
