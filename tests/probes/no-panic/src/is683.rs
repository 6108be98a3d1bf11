//! protocol: IS-683 messages and blocks, roaming lists.

use crate::opaque::{any, octets, text, used};
use kedge_protocol::is683::nam::{CdmaAnalogNam, CdmaAnalogNamConfiguration, CdmaNam, CdmaNamConfiguration, ImsiT};
use kedge_protocol::is683::packet_data::{
    HrpdProfile, MobileIpCapability, MobileIpProfile, OperationMode, SimpleIpCapability, SimpleIpProfile,
};
use kedge_protocol::is683::prl::{Prl, PrlError, PrlFormat};
use kedge_protocol::is683::sspr::{Dimensions, ExtendedDimensions, Segment};
use kedge_protocol::is683::validation::Spasm;
use kedge_protocol::is683::{
    Block, Blocks, Direction, Forward, Imsi1112, MAX_MESSAGE, Mcc, Mdn, Meid, Message, Min, Packet, Reverse, Spc,
};
use kedge_protocol::wire::Error;

#[inline(never)]
pub fn run() {
    used(messages()).ok();
    used(blocks()).ok();
    used(roaming_list()).ok();
    used((Mcc::new(text()), Imsi1112::new(text()), Min::new(text()), Mdn::new(text()), Meid::from_hex(text())));
    used(Spc::new(text()));
}

#[inline(never)]
fn messages() -> Result<(), Error> {
    let packet = Packet::new_checked(any(Direction::Forward), octets())?;
    used((packet.msg_type(), packet.body(), packet.bytes()));
    used(Forward::parse(&packet)?.buffer_len());
    used(Reverse::parse(&packet)?.buffer_len());
    let message = Message::parse(&packet)?;
    used(message.buffer_len());
    used(message.emit(crate::room!(MAX_MESSAGE))?);
    let list = [Block { id: any(1), data: octets() }, Block { id: any(2), data: octets() }];
    for block in Blocks::build(any(&list[..]), crate::room!(MAX_MESSAGE))?.iter() {
        used(block);
    }
    Ok(())
}

#[inline(never)]
fn blocks() -> Result<(), Error> {
    macro_rules! each {
        ($($block:ty)*) => { $({
            let block = <$block>::parse(octets(), any(0))?;
            used(block.buffer_len());
            used(block.emit(crate::room!(255))?);
        })* };
    }
    each! {
        CdmaAnalogNam CdmaAnalogNamConfiguration CdmaNam CdmaNamConfiguration ImsiT Mdn
        OperationMode SimpleIpCapability MobileIpCapability SimpleIpProfile MobileIpProfile HrpdProfile
        Spc Spasm Dimensions ExtendedDimensions Segment
    }
    Ok(())
}

#[inline(never)]
fn roaming_list() -> Result<(), PrlError> {
    let list = Prl::parse(any(PrlFormat::Extended), octets())?;
    used(list.header());
    list.acquisitions().for_each(|record| _ = used(record));
    list.subnets().for_each(|record| _ = used(record));
    list.systems().for_each(|record| _ = used(record));
    Ok(())
}
