//! Services, of which nothing is generated.

use super::decl::{Method, Service};
use super::tokens::{Result, Walk};

impl Walk<'_> {
    /// With `service` read.
    pub(super) fn service(&mut self) -> Result<Service> {
        let pos = self.pos();
        let name = self.word("the name of a service")?.to_owned();
        self.symbol(b'{')?;
        let (mut methods, mut options) = (Vec::new(), Vec::new());
        while !self.eat_symbol(b'}') {
            if self.eat_symbol(b';') {
                continue;
            }
            if self.eat_word("option") {
                options.push(self.option_statement()?);
            } else if self.eat_word("rpc") {
                methods.push(self.method()?);
            } else {
                return Err(self.expected("`rpc`"));
            }
        }
        Ok(Service { name, pos, methods, options })
    }

    /// With `rpc` read.
    fn method(&mut self) -> Result<Method> {
        let pos = self.pos();
        let name = self.word("the name of a method")?.to_owned();
        let asked = self.method_type()?;
        if !self.eat_word("returns") {
            return Err(self.expected("`returns`"));
        }
        let types = [asked, self.method_type()?];
        let mut options = Vec::new();
        if !self.eat_symbol(b'{') {
            self.symbol(b';')?;
            return Ok(Method { name, pos, types, options });
        }
        while !self.eat_symbol(b'}') {
            if self.eat_symbol(b';') {
                continue;
            }
            if !self.eat_word("option") {
                return Err(self.expected("an option"));
            }
            options.push(self.option_statement()?);
        }
        Ok(Method { name, pos, types, options })
    }

    fn method_type(&mut self) -> Result<String> {
        self.symbol(b'(')?;
        self.eat_word("stream");
        let name = self.type_name("a message")?;
        self.symbol(b')')?;
        Ok(name)
    }
}
