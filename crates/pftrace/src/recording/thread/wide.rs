//! Events of a name and annotations that are long.

use super::{Event, Moment, NoRoom, Thread};
use crate::recording::put::Wide;
use crate::recording::slices::{Begun, Stack, Token};

impl Thread {
    /// An instant. Returns how long its packet is. `None`: it is to be recorded in full.
    pub(in crate::recording) fn try_instant_wide(&mut self, packet: &mut [u8], wide: &Wide<'_>) -> Option<(usize, ())> {
        let now = self.packets.now();
        Some((self.put_wide(packet, wide, now)?, ()))
    }

    /// Begins a slice. Returns what it is known by, too.
    pub(in crate::recording) fn try_begin_wide(
        &mut self,
        packet: &mut [u8],
        stack: &Stack,
        wide: &Wide<'_>,
        guarded: bool,
    ) -> Option<(usize, Token)> {
        let event = wide.event();
        let now = self.packets.now();
        // Before its name is stored, which may take long.
        self.packets.listed(&event.site.template).filter(|_| self.packets.is_soon(now))?;
        let site = event.site.template.number().into();
        let begun = Begun { ns: self.packets.ns_of(now), site, written: true, guarded };
        let opening = stack.prepare(begun, event.name, self.slices.names_len)?;
        let len = self.put_wide(packet, wide, now)?;
        self.slices.opened(opening.names_len());
        Some((len, opening.open()))
    }

    /// Not one that the chunk does not list, or that comes late.
    fn put_wide(&mut self, packet: &mut [u8], wide: &Wide<'_>, now: Moment) -> Option<usize> {
        self.packets.listed(&wide.event().site.template)?;
        self.packets.put_soon(now, |tail, after| wide.put(packet, tail, after))
    }

    /// The same of one that comes late, or the long way. It may have to be listed.
    pub(super) fn try_wide(&mut self, event: &Event<'_>, now: u64) -> Result<(), NoRoom> {
        let wide = Wide::of(event).ok_or(NoRoom::InPacket)?;
        let room = wide.room();
        self.list_and_lay_out(&event.site.template, now, room, |packet, tail, after| wide.put(packet, tail, after))
    }
}
