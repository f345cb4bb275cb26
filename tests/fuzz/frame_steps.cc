#include "tests/fuzz/frame_steps.h"

#include <cstdint>
#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/src/wire/byte_order.h"
#include "common/src/wire/frame.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/stream_frame.h"
#include "google/protobuf/wrappers.pb.h"
#include "tests/fuzz/fuzz_service.h"

namespace udsrpc::fuzz {
namespace {

std::string Section(absl::string_view bytes) {
  const auto size = static_cast<uint16_t>(bytes.size());
  return absl::StrCat(std::string{static_cast<char>(size & 0xFF), static_cast<char>(size >> 8)}, bytes);
}

// One of a few that calls have, mostly.
uint32_t CallId(FuzzInput& input) {
  const uint8_t byte = input.Byte();
  if (byte < 0xF0) return 1 + byte % 6;
  return byte == 0xFF ? static_cast<uint32_t>(input.Number(4)) : byte;
}

std::string MetadataSection(FuzzInput& input) {
  switch (input.Below(8)) {
    case 0:
      return Section("key") + Section("value");
    case 1:
      return Section("key-bin") + Section(absl::string_view("\0\xFF", 2)) + Section("key") + Section("");
    case 2:
      return Section("large-bin") + Section(std::string(input.MessageSize() % 30000, 'm'));
    case 3: {
      const std::string key = Section(input.ShortText());
      return key + Section(input.ShortText());
    }
    case 4:
      return std::string(input.ShortText());
    default:
      return {};
  }
}

std::string Body(FuzzInput& input) {
  switch (input.Below(4)) {
    case 0:
      return std::string(input.ShortText());  // as likely as not no message
    case 1:
      return {};
    default: {
      google::protobuf::BytesValue message;
      const size_t size = input.MessageSize();
      message.set_value(std::string(size, "!?+<xxxxxxxxxxxx"[input.Below(16)]));
      return message.SerializeAsString().substr(0, wire::kMaxPacketBytes);
    }
  }
}

std::optional<uint16_t> Descriptors(FuzzInput& input) {
  const uint8_t byte = input.Byte();
  if (byte < 0xC0) return std::nullopt;
  return byte < 0xF0 ? byte % 3 : static_cast<uint16_t>(input.Number(2));
}

std::string Hello(FuzzInput& input) {
  const wire::HelloFrame hello{.version = static_cast<uint16_t>(input.Below(8) == 7 ? input.Number(2) : 1),
                               .min_version = static_cast<uint16_t>(input.Below(8) == 7 ? input.Number(2) : 1),
                               .features = static_cast<uint32_t>(input.Below(8) == 7 ? input.Number(4) : 0),
                               .max_calls = static_cast<uint32_t>(input.Below(4) == 3 ? input.Number(4) : 3),
                               .max_metadata = static_cast<uint32_t>(input.Below(4) == 3 ? input.Number(4) : 8192),
                               .max_message = input.Below(4) == 3 ? input.Number(8) : 1 << 22,
                               .max_fds = static_cast<uint16_t>(input.Below(300))};
  return wire::SerializeFrame(hello);
}

std::string Ping(FuzzInput& input) {
  constexpr uint64_t kFarewell = 0x6661726577656c6c;  // what a server that was taken over from asks
  const bool ack = input.Flag();
  return wire::SerializeFrame(wire::PingFrame{.ack = ack, .token = input.Flag() ? kFarewell : input.AnyNumber()});
}

std::string Call(FuzzInput& input) {
  const uint8_t flags = input.Byte();
  wire::CallFrame call{.call = CallId(input),
                       .half_close = (flags & 1) != 0,
                       .has_message = (flags & 2) != 0,
                       .metadata = {},
                       .message = {}};
  // With its path mostly, and sometimes with a number beside it, or alone.
  const uint8_t method = input.Byte();
  std::string own_path;
  if (method < 0xE0) {
    call.path = FuzzService::kPaths[method % std::size(FuzzService::kPaths)];
  } else if (method < 0xF0) {
    own_path = method == 0xE0 ? std::string(input.MessageSize() % 1100, 'p') : std::string(input.ShortText());
    call.path = own_path;
  }
  if ((flags & 4) != 0 || call.path.empty()) call.method = 1 + input.Below(4);
  if ((flags & 8) != 0) call.timeout_us = input.AnyNumber();
  std::string metadata;
  if ((flags & 16) != 0) metadata = MetadataSection(input);
  call.metadata = metadata;
  if (call.has_message) call.fds = Descriptors(input);
  return wire::SerializeFrame(call, call.has_message ? Body(input) : std::string());
}

std::string Message(FuzzInput& input) {
  const uint8_t flags = input.Byte();
  wire::MessageFrame message{.call = CallId(input), .half_close = (flags & 1) != 0, .more = (flags & 6) == 6};
  if ((flags & 8) != 0) {
    message.total = (flags & 16) != 0 ? input.AnyNumber() : input.MessageSize();
  }
  if ((flags & 32) != 0) message.fds = Descriptors(input);
  return wire::SerializeFrame(message, Body(input));
}

std::string Status(FuzzInput& input) {
  const uint8_t flags = input.Byte();
  wire::StatusFrame status{.call = CallId(input), .has_message = (flags & 1) != 0, .refused = (flags & 2) != 0};
  absl::string_view text;
  std::string details;
  if ((flags & 4) != 0) {
    const uint8_t code = input.Byte();
    status.code = code < 0xF0 ? 1 + code % 16 : static_cast<uint32_t>(input.Number(4));
    if (status.refused && code % 2 == 0) status.code = 14;
    text = input.ShortText();
    details = std::string(input.ShortText());
  }
  status.status_message = text;
  status.details = details;
  std::string initial;
  std::string trailing;
  if ((flags & 8) != 0) initial = MetadataSection(input);
  if ((flags & 16) != 0) trailing = MetadataSection(input);
  status.initial_metadata = initial;
  status.trailing_metadata = trailing;
  if (status.has_message && (flags & 32) != 0) status.fds = Descriptors(input);
  return wire::SerializeFrame(status, status.has_message ? Body(input) : std::string());
}

}  // namespace

std::string HelloOf(bool client) {
  return wire::SerializeFrame(wire::HelloFrame{.version = 1,
                                               .min_version = 1,
                                               .features = 0,
                                               .max_calls = client ? 0U : 3U,
                                               .max_metadata = 8192,
                                               .max_message = 1 << 22,
                                               .max_fds = 4});
}

std::string FrameOf(wire::FrameType type, FuzzInput& input) {
  switch (type) {
    case wire::FrameType::kHello:
      return Hello(input);
    case wire::FrameType::kGoaway: {
      const wire::GoawayFrame goaway{.reason = input.Below(4)};
      return wire::SerializeFrame(goaway, input.ShortText());
    }
    case wire::FrameType::kPing:
      return Ping(input);
    case wire::FrameType::kCredit: {
      const uint32_t call = input.Flag() ? CallId(input) : 0;
      const uint32_t bytes = input.Flag() ? 65536 : static_cast<uint32_t>(input.AnyNumber());
      return wire::SerializeFrame(wire::CreditFrame{.call = call, .bytes = bytes});
    }
    case wire::FrameType::kCall:
      return Call(input);
    case wire::FrameType::kMessage:
      return Message(input);
    case wire::FrameType::kHalfClose:
      return wire::SerializeFrame(wire::HalfCloseFrame{.call = CallId(input)});
    case wire::FrameType::kCancel:
      return wire::SerializeFrame(wire::CancelFrame{.call = CallId(input), .code = input.Below(20)});
    case wire::FrameType::kInitial: {
      const uint32_t call = CallId(input);
      const std::string metadata = MetadataSection(input);
      return wire::SerializeFrame(wire::InitialFrame{.call = call, .metadata = metadata});
    }
    case wire::FrameType::kStatus:
      return Status(input);
  }
  return {};
}

std::string StrangeFrame(FuzzInput& input) {
  if (input.Flag()) return std::string(input.ShortText());
  std::string bytes(wire::FrameHeader::kBytes, '\0');
  const absl::string_view rest = input.ShortText();
  const wire::FrameHeader header{.size = static_cast<uint32_t>(bytes.size() + rest.size()),
                                 .type = input.Byte(),
                                 .flags = input.Byte(),
                                 .head_size = static_cast<uint16_t>(input.Below(4) == 0 ? rest.size() : 0),
                                 .call = input.Below(4)};
  header.Serialize(bytes.data());
  return absl::StrCat(bytes, rest);
}

}  // namespace udsrpc::fuzz
