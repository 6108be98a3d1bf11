//! protocol: IS-683 messages and blocks, roaming lists.

use crate::opaque::{any, octets, text, used};
use kedge_protocol::is683::nam::{CdmaAnalogNam, CdmaAnalogNamConfiguration, CdmaNam, CdmaNamConfiguration, ImsiT};
use kedge_protocol::is683::packet_data::{
    HrpdProfile, MobileIpCapability, MobileIpProfile, OperationMode, SimpleIpCapability, SimpleIpProfile,
};
use kedge_protocol::is683::prl::{
    AcqBody, AcqType, AcquisitionRecord, BitString, Draft, Entries, Entry, Numbers, Prl, PrlError, PrlFormat, SystemId,
    SystemRecord, check_in_place,
};
use kedge_protocol::is683::sspr::{Dimensions, ExtendedDimensions, Segment};
use kedge_protocol::is683::validation::Spasm;
use kedge_protocol::is683::{
    Block, Blocks, Direction, Forward, Imsi1112, MAX_MESSAGE, Mcc, Mdn, Meid, Message, Min, Packet, PrlId, Reverse, Spc,
};
use kedge_protocol::wire::Error;

#[inline(never)]
pub fn run() {
    used(messages()).ok();
    used(blocks()).ok();
    used(roaming_list()).ok();
    used(list_elsewhere()).ok();
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

/// A list that lies where it can only be read, and one that is made.
#[inline(never)]
fn list_elsewhere() -> Result<(), PrlError> {
    used(check_in_place(any(PrlFormat::Extended), any(0), |at, out| {
        used((at, out));
        any(0)
    })?);
    let subnet = BitString::new(octets(), any(0)).ok_or(PrlError::Length)?;
    let entries = [Entry::SidNid(any(1), any(2)), Entry::Subnet(subnet)];
    let entries = Entries::pack(any(3), any(&entries[..]), crate::room!(128)).map_err(PrlError::Structure)?;
    let numbers = [any(1), any(2)];
    let numbers = Numbers::pack(any(AcqType::PCS_BLOCKS), any(&numbers[..]), crate::room!(128));
    let body = AcqBody::Numbers(numbers.map_err(PrlError::Structure)?);
    let system = SystemRecord {
        id: SystemId::MccMnc { subtype: any(1), mcc: any(1), mnc: any(2), entries },
        preferred: any(true),
        same_area: any(true),
        more_desirable: any(true),
        acq_index: any(1),
        roam_ind: any(None),
        association: any(None),
    };
    let draft = Draft {
        format: any(PrlFormat::Classic),
        id: any(PrlId(1)),
        pref_only: any(true),
        def_roam_ind: any(1),
        acquisitions: &[AcquisitionRecord { acq_type: any(AcqType::UMB), body: any(body) }],
        subnets: any(&[]),
        systems: &[any(system)],
    };
    used(draft.buffer_len());
    used(draft.emit(crate::room!(2048)).map_err(PrlError::Structure)?);
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
