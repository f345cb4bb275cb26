// What a client that speaks the seqpacket protocol, or does not, can cost a server and the server's other clients. That
// each rule of the protocol is kept is conformance's to show; here it is what comes of breaking them without end.

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"
#include "tests/hostile/siege.h"
#include "tests/support/event.h"
#include "tests/support/raw_client.h"
#include "tests/support/stream_frames.h"

namespace udsrpc::testing {
namespace {

using wire::CallFrame;
using wire::CancelFrame;
using wire::FrameHeader;
using wire::GoawayFrame;
using wire::HalfCloseFrame;
using wire::MessageFrame;
using wire::PingFrame;
using wire::SerializeFrame;
using Sent = Strike::Sent;

constexpr size_t kMiB = 1 << 20;

std::string Path(const std::string& method) { return "/udsrpc.testing.Test/" + method; }

// A connection that has said HELLO.
UniqueFd Greet(Strike& strike) {
  UniqueFd fd = strike.Connect(SocketKind::kSeqpacket);
  if (fd.valid()) strike.Send(fd.get(), RawClient::Hello());
  return fd;
}

// As many of `frame` as a packet takes, from the call number `first` on.
template <typename Frame>
std::string Packed(uint32_t first, const Frame& frame_of) {
  std::string packet;
  for (uint32_t call = first;; ++call) {
    const std::string frame = frame_of(call);
    if (packet.size() + frame.size() > wire::kMaxPacketBytes) return packet;
    packet += frame;
  }
}
std::string Packed(const std::string& frame) {
  return Packed(1, [&frame](uint32_t) { return frame; });
}

std::string OpenCall(uint32_t call, const std::string& method) {
  return SerializeFrame(CallFrame{.call = call, .path = Path(method)});
}
std::string BlockCall(uint32_t call, std::optional<uint64_t> timeout_us = {}) {
  return SerializeFrame(CallFrame{
      .call = call, .half_close = true, .has_message = true, .timeout_us = timeout_us, .path = Path("Block")});
}
std::string InflateCall(uint32_t call, const std::string& method, uint64_t bytes, uint64_t messages = 0) {
  InflateRequest request;
  request.set_bytes(bytes);
  request.set_messages(messages);
  return SerializeFrame(CallFrame{.call = call, .half_close = true, .has_message = true, .path = Path(method)},
                        request.SerializeAsString());
}
std::string Cancel(uint32_t call) { return SerializeFrame(CancelFrame{.call = call, .code = 1}); }

// Whatever it may be worth sending once ends the connection; so again and again, on new ones.
template <typename Say>
void OnNewConnections(Strike& strike, const Say& say) {
  do {
    const UniqueFd fd = strike.Connect(SocketKind::kSeqpacket);
    if (!fd.valid()) continue;
    say(fd.get());
    EXPECT_TRUE(Strike::AwaitClosed(fd.get()));
  } while (strike.More());
}
template <typename Say>
void OnNewGreetedConnections(Strike& strike, const Say& say) {
  OnNewConnections(strike, [&](int fd) {
    strike.Send(fd, RawClient::Hello());
    say(fd);
  });
}

// Sends packets until time is up, or the server has closed or reads no more, and keeps the connection. Each is made for
// numbers of calls from `first` on, which no packet before it has.
template <typename PacketFrom>
void FloodFrom(Strike& strike, bool reads, const std::string& opening, const PacketFrom& packet_from) {
  constexpr uint32_t kMostCallsAPacket = wire::kMaxPacketBytes / FrameHeader::kBytes;
  UniqueFd fd = Greet(strike);
  if (!opening.empty()) strike.Send(fd.get(), opening);
  for (uint32_t first = 10; strike.More(); first += kMostCallsAPacket) {
    if (strike.Send(fd.get(), packet_from(first)) != Sent::kSent || (reads && !strike.Drain(fd.get()))) break;
  }
  strike.Hold(std::move(fd));
}
// The same packet again and again.
void Flood(Strike& strike, const std::string& packet, bool reads) {
  FloodFrom(strike, reads, "", [&packet](uint32_t) { return packet; });
}

// What a client that obeys may send: for what is to be bounded though it breaks no rule.
class Allowance {
 public:
  Allowance(Strike& strike, int fd) : strike_(strike), fd_(fd) {}

  // Sends the packet, which has one MESSAGE frame of so many bytes, of that call, once there is credit for it. False:
  // it was not to be.
  bool Send(const std::string& packet, uint32_t call, size_t frame_bytes) {
    size_t& of_call = calls_.emplace(call, wire::kInitialCallCredit).first->second;
    while (connection_ < frame_bytes || of_call < frame_bytes) {
      if (!Await()) return false;
    }
    if (strike_.Send(fd_, packet) != Sent::kSent) return false;
    connection_ -= frame_bytes;
    of_call -= frame_bytes;
    return true;
  }

 private:
  bool Await() {
    std::string packet;
    while (packet.empty()) {
      pollfd socket{.fd = fd_, .events = POLLIN, .revents = 0};
      if (!strike_.More()) return false;
      if (poll(&socket, 1, 20) > 0 && (packet = Strike::Receive(fd_)).empty()) return false;
    }
    for (wire::PacketReader reader(packet); !reader.done();) {
      const absl::StatusOr<wire::RawFrame> frame = reader.Next();
      if (!frame.ok()) return false;
      if (frame->header.type != static_cast<uint8_t>(wire::FrameType::kCredit)) continue;
      const absl::StatusOr<wire::CreditFrame> credit = wire::CreditFrame::Parse(*frame);
      if (!credit.ok()) return false;
      if (credit->call == 0) connection_ += credit->bytes;
      if (const auto found = calls_.find(credit->call); found != calls_.end()) found->second += credit->bytes;
    }
    return true;
  }

  Strike& strike_;
  const int fd_;
  size_t connection_ = wire::kInitialConnectionCredit;
  std::map<uint32_t, size_t> calls_;
};

void Garbage(Strike& strike) {
  OnNewConnections(strike, [&](int fd) {
    std::string bytes(1 + strike.random()() % wire::kMaxPacketBytes, '\0');
    for (char& byte : bytes) byte = static_cast<char>(strike.random()());
    strike.Send(fd, bytes);
  });
}

void CutPackets(Strike& strike) {
  const std::string whole = RawClient::Hello() + RawClient::EchoCall(1, "hi") + Message(1, Text("behind"));
  OnNewConnections(strike, [&](int fd) {
    // Never at the end of a frame, where the rest would not be missed.
    const size_t cut = 1 + strike.random()() % (RawClient::Hello().size() - 1);
    strike.Send(fd, absl::string_view(whole).substr(0, whole.size() - cut % 7 - 1));
    strike.Send(fd, absl::string_view(whole).substr(0, cut));
  });
}

void EmptyPackets(Strike& strike) {
  OnNewGreetedConnections(strike, [&](int fd) {
    while (strike.Send(fd, "") == Sent::kSent && strike.More()) continue;
  });
}

void SaysNothing(Strike& strike) { strike.Hold(strike.Connect(SocketKind::kSeqpacket)); }

void SaysHelloAndNothing(Strike& strike) { strike.Hold(Greet(strike)); }

void Http2(Strike& strike) {
  OnNewConnections(strike, [&](int fd) {
    strike.Send(fd, std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", 33));
  });
}

void Reconnects(Strike& strike) {
  while (strike.More()) strike.Connect(SocketKind::kSeqpacket);
}
void ReconnectsAndCalls(Strike& strike) {
  while (strike.More()) {
    const UniqueFd fd = strike.Connect(SocketKind::kSeqpacket);
    if (fd.valid()) strike.Send(fd.get(), RawClient::Hello() + RawClient::EchoCall(1, "and away"));
  }
}

void CreditOverrun(Strike& strike) {
  OnNewGreetedConnections(strike, [&](int fd) {
    strike.Send(fd, OpenCall(1, "Hold"));
    const std::string packet = Packed(MessageOfSize(1, 16384));
    // More than four times what it may.
    for (int i = 0; i < 8 && strike.Send(fd, packet, kPatience) == Sent::kSent; ++i) continue;
  });
}
// Within the credit of each of its streams, as often as there are streams: a handler that reads none of them holds
// them.
void KeepsAllCreditUsed(Strike& strike) {
  UniqueFd fd = Greet(strike);
  Allowance allowance(strike, fd.get());
  for (uint32_t call = 1; strike.More() && call <= 100; ++call) {
    strike.Send(fd.get(), OpenCall(call, "Hold"));
    for (int i = 0; i < 4 && allowance.Send(MessageOfSize(call, 16384), call, 16384); ++i) continue;
  }
  strike.Hold(std::move(fd));
}
void CreditOverflow(Strike& strike) {
  OnNewGreetedConnections(strike, [&](int fd) {
    strike.Send(fd, Credit(0, wire::kMaxCredit - wire::kInitialConnectionCredit));
    strike.Send(fd, Credit(0, 1));
  });
}
void CallCreditOverflow(Strike& strike) {
  OnNewGreetedConnections(strike,
                          [&](int fd) { strike.Send(fd, OpenCall(1, "Hold") + Credit(1, ~0U) + Credit(1, ~0U)); });
}
void CreditFlood(Strike& strike) { Flood(strike, Packed(Credit(0, 1)), /*reads=*/false); }

// Every number that there is, each for the longest path, of a method that the server does not have.
void MethodNumbers(Strike& strike) {
  UniqueFd fd = Greet(strike);
  for (uint32_t number = 1; number <= wire::kMaxMethodNumbers; ++number) {
    std::string path = absl::StrCat("/", number, "/");
    path.resize(wire::kMaxMethodPathBytes, 'x');
    if (strike.Send(fd.get(), SerializeFrame(CallFrame{.call = 1, .method = number, .path = path})) != Sent::kSent) {
      break;
    }
    strike.Drain(fd.get());
  }
  strike.Hold(std::move(fd));
}
void MethodNumbersAnew(Strike& strike) {
  OnNewGreetedConnections(strike, [&](int fd) {
    strike.Send(fd, SerializeFrame(CallFrame{.call = 1, .method = 1, .path = Path("Echo")}));
    strike.Send(fd, SerializeFrame(CallFrame{.call = 2, .method = 1, .path = Path("Fail")}));
  });
}
// The shortest frames with the longest answers, which are not read.
void UnknownMethodsUnread(Strike& strike) {
  const std::string path = "/" + std::string(wire::kMaxMethodPathBytes - 1, 'x');
  const std::string number = SerializeFrame(CallFrame{.call = 1, .method = 1, .path = path});
  FloodFrom(strike, /*reads=*/false, number, [](uint32_t first) {
    return Packed(first, [](uint32_t call) { return SerializeFrame(CallFrame{.call = call, .method = 1}); });
  });
}

void PingsUnread(Strike& strike) { Flood(strike, Packed(SerializeFrame(PingFrame{.token = 1})), /*reads=*/false); }
void Pings(Strike& strike) { Flood(strike, Packed(SerializeFrame(PingFrame{.token = 1})), /*reads=*/true); }
void GoawayFlood(Strike& strike) {
  Flood(strike, Packed(SerializeFrame(GoawayFrame{}, std::string(4000, 'x'))), /*reads=*/false);
}
void IgnorableFrames(Strike& strike) {
  std::string frame(FrameHeader::kBytes, '\0');
  FrameHeader{.size = FrameHeader::kBytes, .type = 0xff}.Serialize(frame.data());
  Flood(strike, Packed(frame), /*reads=*/false);
}
void FramesOfNoCall(Strike& strike) {
  const std::string frames = Cancel(7) + SerializeFrame(HalfCloseFrame{.call = 8}) + Credit(9, 1);
  Flood(strike, Packed(frames), /*reads=*/true);
}

void RequestsUnread(Strike& strike) {
  FloodFrom(strike, /*reads=*/false, "", [](uint32_t first) {
    return Packed(first, [](uint32_t call) { return RawClient::EchoCall(call, std::string(100, 'x')); });
  });
}
void LargeAnswersUnread(Strike& strike) {
  FloodFrom(strike, /*reads=*/false, "", [](uint32_t first) {
    return Packed(first, [](uint32_t call) { return InflateCall(call, "Inflate", 60000); });
  });
}
void StreamsUnread(Strike& strike) {
  UniqueFd fd = Greet(strike);
  strike.Send(fd.get(), Credit(0, wire::kMaxCredit - wire::kInitialConnectionCredit));
  for (uint32_t call = 1; call <= 50; ++call) {
    strike.Send(fd.get(), InflateCall(call, "Count", 60000, 1 << 20) + Credit(call, 1 << 29));
  }
  strike.Hold(std::move(fd));
}
// Takes a packet now and then of an endless stream, for which it has given all credit there is.
void ReadsSlowly(Strike& strike) {
  UniqueFd fd = Greet(strike);
  strike.Send(fd.get(), Credit(0, wire::kMaxCredit - wire::kInitialConnectionCredit));
  strike.Send(fd.get(), InflateCall(1, "Count", 60000, 1 << 20) + Credit(1, 1 << 29));
  while (strike.More()) {
    if (Strike::Receive(fd.get()).empty()) break;
    absl::SleepFor(absl::Milliseconds(20));
  }
  strike.Hold(std::move(fd));
}

// HTTP/2's "rapid reset": calls whose handlers run, each cancelled in the same packet.
void CallsAndCancels(Strike& strike) {
  FloodFrom(strike, /*reads=*/true, "",
            [](uint32_t first) { return Packed(first, [](uint32_t call) { return BlockCall(call) + Cancel(call); }); });
}
void StreamsAndCancels(Strike& strike) {
  FloodFrom(strike, /*reads=*/true, "", [](uint32_t first) {
    return Packed(first, [](uint32_t call) { return OpenCall(call, "Chat") + Cancel(call); });
  });
}
// As many as it may have at once, each a handler that waits.
void OpenStreams(Strike& strike) {
  UniqueFd fd = Greet(strike);
  for (uint32_t call = 1; strike.More() && call <= 600; ++call) {
    if (strike.Send(fd.get(), OpenCall(call, "Chat")) != Sent::kSent || !strike.Drain(fd.get())) break;
  }
  strike.Hold(std::move(fd));
}
void UsedNumbers(Strike& strike) {
  OnNewGreetedConnections(strike, [&](int fd) { strike.Send(fd, BlockCall(1) + BlockCall(1)); });
}

void Deadlines(Strike& strike) {
  std::string packet;
  uint32_t call = 0;
  for (const uint64_t timeout : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 31, uint64_t{1} << 32, uint64_t{1} << 62,
                                 uint64_t{1} << 63, ~uint64_t{0} - 1, ~uint64_t{0}, uint64_t{0x7ff8000000000000}}) {
    packet += BlockCall(++call, timeout);
  }
  FloodFrom(strike, /*reads=*/true, packet,
            [](uint32_t first) { return Packed(first, [](uint32_t late) { return BlockCall(late, late % 2); }); });
}

std::string Entry(const std::string& key, const std::string& value) {
  std::string entry;
  for (const std::string& part : {key, value}) {
    entry.push_back(static_cast<char>(part.size() & 0xff));
    entry.push_back(static_cast<char>(part.size() >> 8));
    entry += part;
  }
  return entry;
}
std::string CallWithMetadata(const std::string& metadata) {
  return SerializeFrame(
      CallFrame{.call = 1, .half_close = true, .has_message = true, .path = Path("Echo"), .metadata = metadata});
}
void ManyEntries(Strike& strike) {
  std::string metadata;
  while (metadata.size() < 60000) metadata += Entry("k", "");
  Flood(strike, CallWithMetadata(metadata), /*reads=*/true);
}
void LongMetadata(Strike& strike) {
  Flood(strike, CallWithMetadata(Entry("k", std::string(60000, 'v'))), /*reads=*/true);
}
void InvalidNames(Strike& strike) {
  size_t next = 0;
  OnNewGreetedConnections(strike, [&](int fd) {
    static const std::vector<std::string>& keys =
        *new std::vector<std::string>{"",      "UPPER", "grpc-status", "te",   "content-type", "user-agent",
                                      ":path", "a b",   "caf\xc3\xa9", "\xff", "k\n",          std::string("\0", 1)};
    strike.Send(fd, CallWithMetadata(Entry(keys[next++ % keys.size()], "v")));
  });
}
void InvalidValues(Strike& strike) {
  size_t next = 0;
  OnNewGreetedConnections(strike, [&](int fd) {
    static const std::vector<std::string>& values = *new std::vector<std::string>{
        "\xc3\x28", "\xff\xfe", "line\r\nline", "\x7f", std::string("\0", 1), "caf\xc3\xa9"};
    strike.Send(fd, CallWithMetadata(Entry("k", values[next++ % values.size()])));
  });
}
void PathsOfNoText(Strike& strike) {
  const std::string path = "/\xff\xc3\x28\r\n" + std::string(900, '\0');
  Flood(strike, SerializeFrame(CallFrame{.call = 1, .path = path}), /*reads=*/true);
}

// Each message is said to be as long as can be said, and begins.
void DeclaredLengths(Strike& strike) {
  UniqueFd fd = Greet(strike);
  Allowance allowance(strike, fd.get());
  bool sent = true;
  for (uint32_t call = 0; sent && strike.More() && call < 200;) {
    for (const uint64_t total : {~uint64_t{0}, uint64_t{1} << 63, uint64_t{1} << 40, uint64_t{4} << 20}) {
      const std::string fragment = First(++call, total, std::string(30000, 'x'));
      sent = sent && allowance.Send(OpenCall(call, "Collect") + fragment, call, fragment.size());
    }
  }
  strike.Hold(std::move(fd));
}
// Unary requests of the longest, each of which lacks its end.
void RequestsWithoutEnd(Strike& strike) {
  constexpr uint64_t kTotal = 4 << 20;
  const std::string body(32000, 'x');
  UniqueFd fd = Greet(strike);
  Allowance allowance(strike, fd.get());
  for (uint32_t call = 1; strike.More() && call <= 4; ++call) {
    std::string fragment = First(call, kTotal, body);
    bool sent = allowance.Send(OpenCall(call, "Echo") + fragment, call, fragment.size());
    fragment = More(call, body);
    for (size_t size = 2 * body.size(); sent && size < kTotal; size += body.size()) {
      sent = allowance.Send(fragment, call, fragment.size());
    }
  }
  strike.Hold(std::move(fd));
}
void FragmentsOfNothing(Strike& strike) {
  UniqueFd fd = Greet(strike);
  strike.Send(fd.get(), OpenCall(1, "Collect"));
  Allowance allowance(strike, fd.get());
  allowance.Send(First(1, 1000, ""), 1, First(1, 1000, "").size());
  std::string packet;
  while (packet.size() < wire::kInitialCallCredit / 4) packet += More(1, "");
  while (strike.More() && allowance.Send(packet, 1, packet.size())) continue;
  strike.Hold(std::move(fd));
}

// What is a file to one and none to another.
std::vector<UniqueFd> OddFiles() {
  std::vector<UniqueFd> files;
  files.emplace_back(memfd_create("udsrpc-test", MFD_CLOEXEC));
  EXPECT_EQ(ftruncate(files.back().get(), 1 << 30), 0);  // of nothing, and soon of less
  for (const char* path : {"/dev/zero", "/dev/null", "/", "/proc/self/maps"}) {
    files.emplace_back(open(path, O_RDONLY | O_CLOEXEC));
  }
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  files.emplace_back(ends[0]);
  files.emplace_back(ends[1]);
  return files;
}
std::vector<int> Repeat(const std::vector<UniqueFd>& files, size_t count) {
  std::vector<int> numbers;
  for (size_t i = 0; i < count; ++i) numbers.push_back(files[i % files.size()].get());
  return numbers;
}
std::string HoldWithFds(uint32_t call, uint16_t fds) {
  return SerializeFrame(CallFrame{.call = call, .has_message = true, .path = Path("Hold"), .fds = fds});
}
// To a server that wants none: the kernel has none of them come.
void FdsNobodyAskedFor(Strike& strike) {
  const std::vector<UniqueFd> files = OddFiles();
  UniqueFd fd = Greet(strike);
  while (strike.More()) {
    if (strike.Send(fd.get(), RawClient::EchoCall(1, "with more"), Repeat(files, wire::kMaxFds)) == Sent::kClosed)
      break;
    if (!strike.Drain(fd.get())) break;
  }
  strike.Hold(std::move(fd));
}
void FdsOverWrongFrames(Strike& strike) {
  const std::vector<UniqueFd> files = OddFiles();
  size_t next = 0;
  OnNewGreetedConnections(strike, [&](int fd) {
    const std::vector<std::string> frames{
        SerializeFrame(PingFrame{}),   Credit(0, 1),     Cancel(1), RawClient::EchoCall(1, ""),
        SerializeFrame(GoawayFrame{}), HoldWithFds(1, 2)};
    // Where the kernel has too many on their way, something else.
    if (strike.Send(fd, frames[next++ % frames.size()], Repeat(files, 16)) == Sent::kFull) strike.Send(fd, "no frame");
  });
}
void MoreFdsThanAreWanted(Strike& strike) {
  const std::vector<UniqueFd> files = OddFiles();
  OnNewGreetedConnections(strike, [&](int fd) {
    if (strike.Send(fd, HoldWithFds(1, wire::kMaxFds), Repeat(files, wire::kMaxFds)) == Sent::kFull) {
      strike.Send(fd, "no frame");
    }
  });
}
// As many at a time as are wanted, on streams that do not take them.
void FdsNobodyTakes(Strike& strike) {
  const std::vector<UniqueFd> files = OddFiles();
  UniqueFd fd = Greet(strike);
  for (uint32_t call = 1; strike.More() && call <= 100; ++call) {
    if (strike.Send(fd.get(), HoldWithFds(call, 16), Repeat(files, 16)) == Sent::kClosed) break;
    if (!strike.Drain(fd.get())) break;
  }
  EXPECT_EQ(ftruncate(files[0].get(), 0), 0);
  strike.Hold(std::move(fd));
}

const std::vector<std::string>& TakesFds() {
  static const auto& flags = *new std::vector<std::string>{"--max_receive_fds=16"};
  return flags;
}

std::vector<Attack> SeqpacketAttacks() {
  return {
      {.name = "Garbage", .strike = Garbage, .many = 8},
      {.name = "CutPackets", .strike = CutPackets, .many = 8},
      {.name = "EmptyPackets", .strike = EmptyPackets, .many = 8},
      {.name = "SaysNothing", .strike = SaysNothing, .many = 250},
      {.name = "SaysHelloAndNothing", .strike = SaysHelloAndNothing, .many = 250},
      {.name = "Http2", .strike = Http2, .many = 8},
      {.name = "Reconnects", .strike = Reconnects, .many = 4},
      {.name = "ReconnectsAndCalls", .strike = ReconnectsAndCalls, .many = 4},
      {.name = "CreditOverrun", .strike = CreditOverrun, .many = 8},
      {.name = "KeepsAllCreditUsed", .strike = KeepsAllCreditUsed, .many = 8, .all = {.memory = 64 * kMiB}},
      {.name = "CreditOverflow", .strike = CreditOverflow, .many = 8},
      {.name = "CallCreditOverflow", .strike = CallCreditOverflow, .many = 8},
      {.name = "CreditFlood", .strike = CreditFlood, .many = 8},
      {.name = "MethodNumbers", .strike = MethodNumbers, .many = 32, .all = {.memory = 64 * kMiB}},
      {.name = "MethodNumbersAnew", .strike = MethodNumbersAnew, .many = 8},
      {.name = "UnknownMethodsUnread", .strike = UnknownMethodsUnread, .many = 64, .all = {.memory = 320 * kMiB}},
      {.name = "PingsUnread", .strike = PingsUnread, .many = 100, .all = {.memory = 160 * kMiB}},
      {.name = "Pings", .strike = Pings, .many = 8},
      {.name = "GoawayFlood", .strike = GoawayFlood, .many = 8},
      {.name = "IgnorableFrames", .strike = IgnorableFrames, .many = 8},
      {.name = "FramesOfNoCall", .strike = FramesOfNoCall, .many = 8},
      {.name = "RequestsUnread", .strike = RequestsUnread, .many = 64, .all = {.memory = 320 * kMiB}},
      {.name = "LargeAnswersUnread", .strike = LargeAnswersUnread, .many = 64, .all = {.memory = 320 * kMiB}},
      {.name = "StreamsUnread", .strike = StreamsUnread, .many = 16, .all = {.memory = 64 * kMiB}},
      {.name = "ReadsSlowly", .strike = ReadsSlowly, .many = 4},
      {.name = "CallsAndCancels", .strike = CallsAndCancels, .many = 4},
      {.name = "StreamsAndCancels", .strike = StreamsAndCancels, .many = 4},
      {.name = "OpenStreams",
       .strike = OpenStreams,
       .many = 4,
       .one = {.memory = 48 * kMiB},
       .all = {.memory = 48 * kMiB}},
      {.name = "UsedNumbers", .strike = UsedNumbers, .many = 8},
      {.name = "Deadlines", .strike = Deadlines, .many = 4},
      {.name = "ManyEntries", .strike = ManyEntries, .many = 8},
      {.name = "LongMetadata", .strike = LongMetadata, .many = 8},
      {.name = "InvalidNames", .strike = InvalidNames, .many = 8},
      {.name = "InvalidValues", .strike = InvalidValues, .many = 8},
      {.name = "PathsOfNoText", .strike = PathsOfNoText, .many = 8},
      {.name = "DeclaredLengths", .strike = DeclaredLengths, .many = 8, .all = {.memory = 96 * kMiB}},
      {.name = "RequestsWithoutEnd",
       .strike = RequestsWithoutEnd,
       .many = 32,
       .all = {.memory = 320 * kMiB},
       .duration = absl::Milliseconds(1500)},
      {.name = "FragmentsOfNothing", .strike = FragmentsOfNothing, .many = 8},
      {.name = "FdsNobodyAskedFor", .strike = FdsNobodyAskedFor, .many = 8},
      {.name = "FdsOverWrongFrames", .strike = FdsOverWrongFrames, .many = 8, .victim = TakesFds()},
      {.name = "MoreFdsThanAreWanted", .strike = MoreFdsThanAreWanted, .many = 8, .victim = TakesFds()},
      {.name = "FdsNobodyTakes", .strike = FdsNobodyTakes, .many = 8, .victim = TakesFds()},
  };
}

class SeqpacketSiege : public ::testing::TestWithParam<Attack> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "to attack as another user needs root";
  }
};

INSTANTIATE_TEST_SUITE_P(Holds, SeqpacketSiege, ::testing::ValuesIn(SeqpacketAttacks()),
                         [](const ::testing::TestParamInfo<Attack>& info) { return info.param.name; });

TEST_P(SeqpacketSiege, AgainstOneAndAgainstMany) {
  Siege siege(GetParam().victim);
  siege.Lay(GetParam(), 1);
  siege.Lay(GetParam(), GetParam().many);
}

}  // namespace
}  // namespace udsrpc::testing
