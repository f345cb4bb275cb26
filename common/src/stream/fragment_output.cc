#include "common/src/stream/fragment_output.h"

#include <utility>

#include "common/src/stream/fragment.h"
#include "google/protobuf/io/coded_stream.h"

namespace udsrpc {

bool FragmentOutput::Send(uint32_t call, const google::protobuf::MessageLite& message, size_t size, bool half_close,
                          const internal::OutgoingFds& fds, size_t credit, FragmentSink& sink) {
  FragmentOutput output(call, size, half_close, fds, credit, sink);
  {
    google::protobuf::io::CodedOutputStream coded(&output);
    message.SerializeWithCachedSizes(&coded);
    if (coded.HadError()) return false;
  }
  return output.written_ == size && output.open_ && output.SendFull();
}

FragmentOutput::~FragmentOutput() {
  const size_t unspent = open_ ? packet_.bytes().size() : credit_;
  if (unspent > 0) sink_.ReturnCredit(unspent);
}

bool FragmentOutput::Next(void** data, int* size) {
  if (written_ == begun_) {
    if (open_ && !SendFull()) return false;
    if (begun_ == size_ || !Begin()) return false;
  }
  const size_t body = begun_ - written_;
  *data = packet_.data() + packet_.bytes().size() - body;
  *size = static_cast<int>(body);
  written_ = begun_;
  return true;
}

void FragmentOutput::BackUp(int count) { written_ -= static_cast<size_t>(count); }

bool FragmentOutput::Begin() {
  if (credit_ == 0) credit_ = sink_.AwaitCredit(FragmentCost(size_, begun_, fds_));
  if (credit_ == 0) return false;
  Fragment fragment = MakeFragment(call_, size_, begun_, half_close_, std::exchange(credit_, 0), fds_);
  packet_ = std::move(fragment.packet);
  begun_ += fragment.body_bytes;
  open_ = true;
  return true;
}

bool FragmentOutput::SendFull() {
  open_ = false;
  return sink_.SendFragment(std::exchange(packet_, wire::PacketQueue::Packet()));
}

}  // namespace udsrpc
