//! Small trees that use the whole language, which the official one does not: for the tests and for the fuzzer.

macro_rules! schemas {
    ($($(#[$doc:meta])* $name:ident $file:literal $original:literal;)*) => {$(
        $(#[$doc])*
        #[allow(clippy::all)]
        pub mod $name {
            include!(concat!(env!("OUT_DIR"), $file));
            /// The descriptors as they were, for the judges.
            pub const ORIGINAL: &str = concat!(env!("OUT_DIR"), $original);
        }
    )*};
}

schemas! {
    /// proto2 and proto3.
    language "/language.rs" "/language_original.binpb";
    /// The well-known types.
    well_known "/well_known.rs" "/well_known_original.binpb";
    /// Editions 2023 and 2024.
    editions "/editions.rs" "/editions_original.binpb";
}
