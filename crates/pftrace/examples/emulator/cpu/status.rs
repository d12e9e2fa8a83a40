//! The flags.

/// The status register, one flag each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) carry: bool,
    pub(crate) zero: bool,
    pub(crate) interrupt_disable: bool,
    pub(crate) decimal: bool,
    pub(crate) overflow: bool,
    pub(crate) negative: bool,
}

impl Status {
    const BREAK: u8 = 0x10;
    const UNUSED: u8 = 0x20;

    /// The byte that is pushed. Bit 4 exists only there: set by `BRK` and `PHP`, clear in an interrupt.
    pub(crate) fn to_byte(self, software: bool) -> u8 {
        u8::from(self.carry)
            | u8::from(self.zero) << 1
            | u8::from(self.interrupt_disable) << 2
            | u8::from(self.decimal) << 3
            | if software { Self::BREAK } else { 0 }
            | Self::UNUSED
            | u8::from(self.overflow) << 6
            | u8::from(self.negative) << 7
    }

    pub(crate) fn from_byte(byte: u8) -> Self {
        Status {
            carry: byte & 0x01 != 0,
            zero: byte & 0x02 != 0,
            interrupt_disable: byte & 0x04 != 0,
            decimal: byte & 0x08 != 0,
            overflow: byte & 0x40 != 0,
            negative: byte & 0x80 != 0,
        }
    }
}
