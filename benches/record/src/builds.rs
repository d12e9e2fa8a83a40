//! What building costs.

pub fn runtime_crate() -> Option<f64> {
    None
}
