#ifndef UDSRPC_BENCHMARKS_SUITE_CAPNPROTO_BUFFERED_STREAM_H_
#define UDSRPC_BENCHMARKS_SUITE_CAPNPROTO_BUFFERED_STREAM_H_

#include <kj/async-io.h>
#include <kj/async.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace udsrpc::benchmarks {

// A stream that reads ahead. Cap'n Proto 0.9 would read each message in pieces, by a call of the kernel for each piece;
// later versions read ahead themselves.
class BufferedStream final : public kj::AsyncIoStream {
 public:
  explicit BufferedStream(kj::Own<kj::AsyncIoStream> stream) : stream_(kj::mv(stream)) {}

  kj::Promise<size_t> tryRead(void* to, size_t min, size_t max) override {
    if (begin_ == end_) return ReadPastEmptyBuffer(to, min, max);
    const size_t size = std::min(max, end_ - begin_);
    std::memcpy(to, buffer_ + begin_, size);
    begin_ += size;
    if (size >= min) return size;
    return tryRead(static_cast<char*>(to) + size, min - size, max - size).then([size](size_t more) {
      return size + more;
    });
  }

  kj::Promise<void> write(const void* bytes, size_t size) override { return stream_->write(bytes, size); }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return stream_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return stream_->whenWriteDisconnected(); }
  void shutdownWrite() override { stream_->shutdownWrite(); }
  void abortRead() override { stream_->abortRead(); }
  // Flow control asks for the size of the send buffer.
  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    stream_->getsockopt(level, option, value, length);
  }

 private:
  kj::Promise<size_t> ReadPastEmptyBuffer(void* to, size_t min, size_t max) {
    if (max >= sizeof(buffer_)) return stream_->tryRead(to, min, max);
    return stream_->tryRead(buffer_, 1, sizeof(buffer_)).then([this, to, min, max](size_t size) -> kj::Promise<size_t> {
      begin_ = 0;
      end_ = size;
      if (size == 0) return size;  // the stream's end
      return tryRead(to, min, max);
    });
  }

  kj::Own<kj::AsyncIoStream> stream_;
  size_t begin_ = 0;
  size_t end_ = 0;
  char buffer_[16 << 10];
};

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_CAPNPROTO_BUFFERED_STREAM_H_
