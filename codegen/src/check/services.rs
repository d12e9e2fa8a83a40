//! The rules of services, of which nothing is generated.

use super::Checker;
use crate::error::Error;
use crate::parse::{Method, Service};
use crate::resolve::join;

impl Checker<'_> {
    pub(super) fn service(&mut self, service: &Service) -> Result<(), Error> {
        let name = join(&self.file.package, &service.name);
        self.options("ServiceOptions", &name, &service.options)?;
        service.methods.iter().try_for_each(|method| self.method(&name, method))?;
        self.note(self.origin(service.pos, name), "services are ignored");
        Ok(())
    }

    fn method(&self, service: &str, method: &Method) -> Result<(), Error> {
        let full_name = join(service, &method.name);
        for ty in &method.types {
            self.message_named(service, ty, method.pos, &full_name)?;
        }
        self.options("MethodOptions", &full_name, &method.options)
    }
}
