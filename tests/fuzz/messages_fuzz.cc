// The messages of a stream, from frames to the application, against a model of what docs/PROTOCOL.md says: which frames
// are errors, which messages come of the others and in which order, how much is kept, and what credit is given.

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/src/stream/fragment.h"
#include "common/src/stream/fragment_output.h"
#include "common/src/stream/inbound_messages.h"
#include "common/src/stream/message_reader.h"
#include "common/src/wire/limits.h"
#include "google/protobuf/wrappers.pb.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/process_state.h"

namespace udsrpc::fuzz {
namespace {

using google::protobuf::BytesValue;

constexpr size_t kMaxMessage = 100000;
// What a receiver lets its peer have for a long message.
constexpr size_t kMostCredit = 4 * wire::kMaxPacketBytes + wire::kInitialCallCredit;

// As a sender may send; what does not matter of it is one byte again and again.
BytesValue MessageOf(FuzzInput& input, size_t least = 0) {
  const size_t size = least + input.MessageSize();
  BytesValue message;
  message.set_value(std::string(size, static_cast<char>(input.Byte())));
  return message;
}

PacketBuffer PacketWith(absl::string_view bytes) {
  PacketBuffer packet = PacketBuffer::Make();
  bytes.copy(packet.data(), bytes.size());
  return packet;
}

// The receiver of one call, and what it should have.
class Receiver {
 public:
  // False: the frame was an error, and the connection would be at its end.
  bool OnFrame(const wire::MessageFrame& frame, absl::string_view body, int descriptors) {
    const size_t cost = frame.Header(body.size()).size;
    MessageFds fds;
    std::vector<UniqueFd> open;
    for (int i = 0; i < descriptors; ++i) open.emplace_back(dup(STDERR_FILENO));
    fds.fds = internal::IncomingFds(std::move(open), nullptr);
    const PacketBuffer packet = PacketWith(body);
    wire::MessageFrame received = frame;
    received.message = absl::string_view(packet.data(), body.size());
    const bool accepted = messages_.OnMessage(received, cost, packet, &fds).ok();
    FUZZ_CHECK(accepted == Expect(frame, body, cost, descriptors));
    if (!accepted) return false;
    CheckState();
    return true;
  }

  void OnInline(absl::string_view body) {
    if (in_message_) return;  // the connection sees to that
    const PacketBuffer packet = PacketWith(body);
    messages_.OnInlineMessage(absl::string_view(packet.data(), body.size()), packet);
    whole_ = true;
    if (body.size() > kMaxMessage) discards_ = true;
    if (!discards_) expected_.push_back({std::string(body), 0});
    CheckState();
  }

  // The application takes one message, where there is one.
  void Read() {
    if (!reader_.HasWhole()) messages_.Take(reader_.bytes());
    if (!reader_.HasWhole()) return FUZZ_CHECK(expected_.empty() || in_message_ || dropped_);
    FUZZ_CHECK(!expected_.empty());
    const auto [bytes, descriptors] = std::move(expected_.front());
    expected_.pop_front();
    BytesValue message;
    BytesValue wanted;
    const bool parses = wanted.ParseFromString(bytes);
    const MessageReader::Outcome outcome = reader_.Read(message, [](ByteQueue&) { return false; });
    FUZZ_CHECK(outcome == (parses ? MessageReader::Outcome::kMessage : MessageReader::Outcome::kMalformed));
    if (parses) FUZZ_CHECK(message.value() == wanted.value());
    FUZZ_CHECK(reader_.message_bytes() == bytes.size());
    FUZZ_CHECK(reader_.has_fds() == (descriptors > 0));
    if (descriptors == 0) return;
    FUZZ_CHECK(messages_.TakeFds().Take().size() == (dropped_ ? 0 : static_cast<size_t>(descriptors)));
  }

  void Grant() {
    credit_ += messages_.Grant();
    FUZZ_CHECK(credit_ <= kMostCredit);
    // Once all that came was taken, or dropped, there is always credit for the next fragment.
    if (messages_.empty()) FUZZ_CHECK(credit_ >= wire::kInitialCallCredit / 2);
  }

  // The message that has begun is wanted whole, as a handler's one request is.
  void ReleaseAtOnce() {
    if (in_message_ && kept_message_ && expected_.size() == 1) messages_.ReleaseAtOnce();
  }
  void Drop(bool exhaust) {
    exhaust ? messages_.Exhaust(absl::ResourceExhaustedError("no more")) : messages_.Discard();
    discards_ = dropped_ = true;
    FUZZ_CHECK(messages_.empty() && messages_.TakeFds().empty());
    CheckState();
  }

  size_t credit() const { return credit_; }
  bool in_message() const { return in_message_; }
  // Messages that were not read, the one that has begun among them.
  size_t waiting() const { return expected_.size(); }

 private:
  struct Expected {
    std::string bytes;
    int descriptors;
  };

  // Whether the frame is none of the errors of docs/PROTOCOL.md, "MESSAGE", and what it brings.
  bool Expect(const wire::MessageFrame& frame, absl::string_view body, size_t cost, int descriptors) {
    if (cost > credit_) return false;
    if (in_message_ ? frame.total.has_value() || frame.fds.has_value() : frame.more && !frame.total) return false;
    uint64_t missing = in_message_ ? missing_ : frame.total.value_or(body.size());
    if (body.size() > missing || (!frame.more && body.size() != missing)) return false;
    credit_ -= cost;
    if (!in_message_) {
      if (missing > kMaxMessage) discards_ = true;
      if (!discards_) expected_.push_back({std::string(), descriptors});
      kept_message_ = !discards_;
    }
    in_message_ = frame.more;
    missing_ = missing - body.size();
    whole_ = whole_ || !in_message_;
    if (kept_message_ && !dropped_) expected_.back().bytes.append(body.data(), body.size());
    return true;
  }

  void CheckState() const {
    FUZZ_CHECK(messages_.AtMessageEnd() == !in_message_);
    FUZZ_CHECK(messages_.HasWholeMessage() == whole_);
    // What credit bounds, where each message has 8 bytes instead of a header; and one that is wanted whole.
    FUZZ_CHECK(messages_.bytes() <= kMostCredit + kMaxMessage);
  }

  InboundMessages messages_{kMaxMessage};
  MessageReader reader_;
  size_t credit_ = wire::kInitialCallCredit;
  uint64_t missing_ = 0;
  bool in_message_ = false;
  bool kept_message_ = false;
  bool whole_ = false;
  bool discards_ = false;
  bool dropped_ = false;
  std::deque<Expected> expected_;
};

// The fragments of a long message go to the receiver as they are made.
class ToReceiver final : public FragmentSink {
 public:
  ToReceiver(Receiver& receiver, FuzzInput& input) : receiver_(receiver), input_(input) {}

  size_t AwaitCredit(size_t wanted) override {
    for (size_t left = receiver_.waiting(); left > (receiver_.in_message() ? 1 : 0); --left) receiver_.Read();
    receiver_.ReleaseAtOnce();
    receiver_.Grant();
    const size_t least = std::min(wanted, wire::kMinFragmentBytes);
    const size_t most = std::min({wanted, receiver_.credit(), wire::kMaxPacketBytes});
    if (most < least || input_.Below(16) == 15) return 0;  // the call has ended
    return std::max(least, std::min(most, wire::kMinFragmentBytes + input_.MessageSize()));
  }
  bool SendFragment(wire::PacketQueue::Packet fragment) override {
    Deliver(fragment.bytes());
    return true;
  }
  void ReturnCredit(size_t /*bytes*/) override {}

  void Deliver(absl::string_view packet) {
    wire::PacketReader reader(packet);
    const absl::StatusOr<wire::RawFrame> raw = reader.Next();
    FUZZ_CHECK(raw.ok() && reader.done());
    const absl::StatusOr<wire::MessageFrame> frame = wire::MessageFrame::Parse(*raw);
    FUZZ_CHECK(frame.ok());
    FUZZ_CHECK(receiver_.OnFrame(*frame, frame->message, 0));
  }

 private:
  Receiver& receiver_;
  FuzzInput& input_;
};

// A sender's own fragments are never an error, however they are cut.
bool SendLong(FuzzInput& input, Receiver& receiver) {
  if (receiver.in_message()) return true;
  const BytesValue message = MessageOf(input, 30000);
  const size_t size = message.ByteSizeLong();
  ToReceiver sink(receiver, input);
  const size_t credit = sink.AwaitCredit(FragmentCost(size, 0, nullptr));
  if (credit == 0) return false;
  if (input.Flag()) return FragmentOutput::Send(1, message, size, false, nullptr, credit, sink);
  LongMessage fragments(1, message.SerializeAsString(), false, nullptr);
  sink.Deliver(fragments.Next(credit).bytes());
  while (!fragments.done()) {
    const size_t more = sink.AwaitCredit(fragments.wanted());
    if (more == 0) return false;
    sink.Deliver(fragments.Next(more).bytes());
  }
  return true;
}

bool Step(FuzzInput& input, Receiver& receiver) {
  switch (input.Below(9)) {
    case 0:
    case 1: {  // a message that is whole, or a fragment that fits
      const std::string body = MessageOf(input).SerializeAsString();
      if (body.size() > wire::kMaxPacketBytes) return true;
      const int descriptors = input.Below(8) == 0 && !receiver.in_message() ? 1 : 0;
      wire::MessageFrame frame{.call = 1};
      if (descriptors > 0) frame.fds = 1;
      return receiver.OnFrame(frame, body, descriptors);
    }
    case 2: {  // whatever the input says
      wire::MessageFrame frame{.call = 1, .more = input.Flag()};
      if (input.Flag()) frame.total = input.Flag() ? input.AnyNumber() : input.MessageSize() + input.MessageSize();
      const bool bytes = input.Flag();
      const std::string body = bytes ? std::string(input.ShortText()) : std::string(input.MessageSize(), '\n');
      if (body.size() > wire::kMaxPacketBytes) return true;
      const int descriptors = input.Below(8) == 0 ? 1 : 0;
      if (descriptors > 0) frame.fds = 1;
      return receiver.OnFrame(frame, body, descriptors);
    }
    case 3:
    case 4:
      receiver.Read();
      return true;
    case 5:
      receiver.Grant();
      return true;
    case 6:
      return SendLong(input, receiver);
    case 7:
      receiver.OnInline(input.ShortText());
      return true;
    default:
      if (input.Below(4) == 0) receiver.Drop(input.Flag());
      return true;
  }
}

}  // namespace
}  // namespace udsrpc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace udsrpc::fuzz;  // NOLINT(google-build-using-namespace)
  const int open_before = OpenDescriptors();
  {
    FuzzInput input(data, size);
    Receiver receiver;
    while (!input.empty() && Step(input, receiver)) {
    }
  }
  FUZZ_CHECK(OpenDescriptors() == open_before);
  return 0;
}
