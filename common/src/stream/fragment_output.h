#ifndef UDSRPC_COMMON_STREAM_FRAGMENT_OUTPUT_H_
#define UDSRPC_COMMON_STREAM_FRAGMENT_OUTPUT_H_

#include <cstddef>
#include <cstdint>

#include "common/src/wire/packet_queue.h"
#include "google/protobuf/io/zero_copy_stream.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/internal/call_fds.h"

namespace udsrpc {

// Where the fragments of a long message go. Used by one thread at a time.
class FragmentSink {
 public:
  virtual ~FragmentSink() = default;

  // Blocks for credit: for the lesser of `wanted` and wire::kMinFragmentBytes at least. Spends it and returns how much
  // it was, at most `wanted` and a packet. 0: the call has ended.
  virtual size_t AwaitCredit(size_t wanted) = 0;
  // Sends a packet that holds one fragment. False: the call has ended, and the credit for the fragment was not spent.
  virtual bool SendFragment(wire::PacketQueue::Packet fragment) = 0;
  // So much of what AwaitCredit gave was not spent: the call has ended.
  virtual void ReturnCredit(size_t bytes) = 0;
};

// Serializes a message into MESSAGE frames, each a packet of its own, and sends each when it is full: the peer parses
// the first of a long message while this side serializes the rest.
class FragmentOutput final : public google::protobuf::io::ZeroCopyOutputStream {
 public:
  // `size` is message.ByteSizeLong(), which has been called; `credit` has been spent already, for the first fragment.
  // Blocks as the sink does. `fds` go with the first fragment. False: the call has ended.
  static bool Send(uint32_t call, const google::protobuf::MessageLite& message, size_t size, bool half_close,
                   const internal::OutgoingFds& fds, size_t credit, FragmentSink& sink);

  bool Next(void** data, int* size) override;
  void BackUp(int count) override;
  int64_t ByteCount() const override { return static_cast<int64_t>(written_); }

 private:
  FragmentOutput(uint32_t call, size_t size, bool half_close, const internal::OutgoingFds& fds, size_t credit,
                 FragmentSink& sink)
      : call_(call), size_(size), half_close_(half_close), fds_(fds), credit_(credit), sink_(sink) {}

  ~FragmentOutput() override;

  // Makes a packet for what the credit covers of the rest of the message.
  bool Begin();
  bool SendFull();

  const uint32_t call_;
  const size_t size_;
  const bool half_close_;
  const internal::OutgoingFds& fds_;
  size_t credit_;
  FragmentSink& sink_;
  size_t begun_ = 0;    // bytes of the message for which there were packets
  size_t written_ = 0;  // those that have been written
  bool open_ = false;   // packet_ is being filled
  wire::PacketQueue::Packet packet_;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_FRAGMENT_OUTPUT_H_
