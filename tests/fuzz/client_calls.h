#ifndef UDSRPC_TESTS_FUZZ_CLIENT_CALLS_H_
#define UDSRPC_TESTS_FUZZ_CLIENT_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/src/seqpacket_async_call.h"
#include "google/protobuf/wrappers.pb.h"
#include "udsrpc/async_call.h"
#include "udsrpc/client_context.h"
#include "udsrpc/method.h"

// Calls as an application has them, which count what they are told.

namespace udsrpc::fuzz {

using Bytes = google::protobuf::BytesValue;

// What a call is made with.
struct CallSettings {
  size_t request_size = 0;
  size_t descriptors = 0;
  absl::Duration timeout = absl::InfiniteDuration();
  bool metadata = false;
};

class UnaryCallOfFuzzer {
 public:
  UnaryCallOfFuzzer(const SeqpacketAsyncCall::Transport& transport, const CallSettings& settings);
  ~UnaryCallOfFuzzer();

  void Cancel() { context_.Cancel(); }
  // Its status has come.
  bool over() const { return status_.has_value(); }

 private:
  ClientContext context_;
  Bytes request_;
  Bytes response_;
  std::unique_ptr<AsyncUnaryCall> call_;
  std::optional<absl::Status> status_;
};

class StreamOfFuzzer {
 public:
  StreamOfFuzzer(const SeqpacketAsyncCall::Transport& transport, const MethodDescriptor& method,
                 const CallSettings& settings);
  ~StreamOfFuzzer();

  // Each does nothing where the stream cannot do that now.
  void Read();
  void AwaitInitialMetadata();
  void Write(size_t size, bool last, size_t descriptors);
  void HalfClose();
  void TakeFds();
  void Finish();
  void Cancel() { context_.Cancel(); }
  // What is outstanding is not waited for any more.
  void ForgetRead();
  void ForgetWrite();

  bool reading() const { return reading_; }
  bool writing() const { return writing_; }
  bool over() const { return status_.has_value(); }

 private:
  bool may_read() const { return !reading_ && !read_forgotten_ && !finishing_; }
  bool may_write() const { return !writing_ && !write_forgotten_ && !finishing_; }

  ClientContext context_;
  Bytes read_;
  Bytes written_;
  bool reading_ = false;
  bool writing_ = false;
  bool finishing_ = false;
  bool read_forgotten_ = false;
  bool write_forgotten_ = false;
  std::optional<absl::Status> status_;
  std::unique_ptr<AsyncClientStream> stream_;
};

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_CLIENT_CALLS_H_
