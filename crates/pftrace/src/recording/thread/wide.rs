//! Events of a name and annotations that are long.

use super::{Event, Moment, NoRoom, Thread};
use crate::recording::put::Wide;
use crate::recording::slices::{Begun, Stack, Token};

impl Thread {
    /// An instant. Returns how long its packet is. `None`: it is to be recorded in full.
    pub(in crate::recording) fn try_instant_wide(&mut self, packet: &mut [u8], wide: &Wide<'_>) -> Option<(usize, ())> {
        let now = self.now_of_wide(wide)?;
        Some((self.packets.put_at(now, |tail, after| wide.put(packet, tail, after))?, ()))
    }

    /// Begins a slice. Returns what it is known by, too.
    pub(in crate::recording) fn try_begin_wide(
        &mut self,
        packet: &mut [u8],
        stack: &Stack,
        wide: &Wide<'_>,
        guarded: bool,
    ) -> Option<(usize, Token)> {
        // Before its name is stored, which may take long.
        let now = self.now_of_wide(wide)?;
        let event = wide.event();
        let site = event.site.template.number().into();
        let begun = Begun { ns: self.packets.ns_of(now), site, written: true, guarded };
        let opening = stack.prepare(begun, event.name, self.slices.names_len)?;
        let len = self.packets.put_at(now, |tail, after| wide.put(packet, tail, after))?;
        self.slices.opened(opening.names_len());
        Some((len, opening.open()))
    }

    /// When it happens. Not of one that the chunk does not list, or that comes late.
    fn now_of_wide(&self, wide: &Wide<'_>) -> Option<Moment> {
        self.packets.listed(&wide.event().site.template)?;
        Some(self.packets.now()).filter(|&now| self.packets.is_soon(now))
    }

    /// An event the long way. It may come late, and have to be listed.
    pub(super) fn try_wide(&mut self, event: &Event<'_>, now: u64) -> Result<(), NoRoom> {
        let wide = Wide::of(event).ok_or(NoRoom::InPacket)?;
        let room = wide.room();
        self.list_and_lay_out(&event.site.template, now, room, &|packet, tail, after| wide.put(packet, tail, after))
    }
}
