#include <grpcpp/completion_queue.h>

#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "parity.grpc.pb.h"
#include "tests/parity/grpc_call_base.h"
#include "tests/parity/grpc_client_call.h"
#include "tests/support/event.h"

namespace udsrpc::parity {
namespace {

// A completion queue of one call, and the thread that polls it.
class CallQueue {
 public:
  CallQueue() : thread_([this] { Poll(); }) {}
  ~CallQueue() {
    queue_.Shutdown();
    thread_.join();
  }

  grpc::CompletionQueue* get() { return &queue_; }

  // `begin` starts an operation with the tag that it is given. Its result.
  template <typename Begin>
  bool Perform(const Begin& begin) {
    Operation operation;
    begin(static_cast<void*>(&operation));
    EXPECT_TRUE(operation.ended.Await());
    return operation.ok;
  }

 private:
  struct Operation {
    bool ok = false;
    udsrpc::testing::Event ended;
  };

  void Poll() {
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
      static_cast<Operation*>(tag)->ok = ok;
      static_cast<Operation*>(tag)->ended.Happen();
    }
  }

  grpc::CompletionQueue queue_;
  std::thread thread_;
};

template <typename Stub>
class QueueCall final : public StockCallBase {
 public:
  QueueCall(std::unique_ptr<Stub> stub, const CallOptions& options) : StockCallBase(options), stub_(std::move(stub)) {}

  void Start(const Note& request) override {
    request_ = request;
    switch (kind_) {
      case MethodKind::kUnary:
        break;
      case MethodKind::kServerStreaming:
        queue_.Perform([&](void* tag) { reader_ = stub_->AsyncServerStream(&context_, request, queue_.get(), tag); });
        break;
      case MethodKind::kClientStreaming:
        queue_.Perform([&](void* tag) { writer_ = stub_->AsyncClientStream(&context_, &reply_, queue_.get(), tag); });
        break;
      case MethodKind::kBidiStreaming:
        queue_.Perform([&](void* tag) { both_ = stub_->AsyncBidi(&context_, queue_.get(), tag); });
        break;
    }
  }

  bool Read(Note& note) override {
    const bool read = queue_.Perform([&](void* tag) {
      if (reader_) {
        reader_->Read(&note, tag);
      } else {
        both_->Read(&note, tag);
      }
    });
    has_initial_metadata_ = true;
    return read;
  }

  bool Write(const Note& note, bool last) override {
    grpc::WriteOptions options;
    if (last) options.set_last_message();
    return queue_.Perform([&](void* tag) {
      if (writer_) {
        writer_->Write(note, options, tag);
      } else {
        both_->Write(note, options, tag);
      }
    });
  }

  bool WritesDone() override {
    return queue_.Perform([&](void* tag) {
      if (writer_) {
        writer_->WritesDone(tag);
      } else {
        both_->WritesDone(tag);
      }
    });
  }

  void WaitForInitialMetadata() override {
    if (has_initial_metadata_) return;
    queue_.Perform([&](void* tag) {
      if (reader_) reader_->ReadInitialMetadata(tag);
      if (writer_) writer_->ReadInitialMetadata(tag);
      if (both_) both_->ReadInitialMetadata(tag);
    });
    has_initial_metadata_ = true;
  }

  Outcome Finish() override {
    grpc::Status status;
    queue_.Perform([&](void* tag) {
      if (reader_) {
        reader_->Finish(&status, tag);
      } else if (writer_) {
        writer_->Finish(&status, tag);
      } else if (both_) {
        both_->Finish(&status, tag);
      } else {
        unary_ = stub_->AsyncUnary(&context_, request_, queue_.get());
        unary_->Finish(&reply_, &status, tag);
      }
    });
    has_initial_metadata_ = true;
    return FromGrpc(status);
  }

 private:
  const std::unique_ptr<Stub> stub_;
  CallQueue queue_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Note>> unary_;
  std::unique_ptr<grpc::ClientAsyncReader<Note>> reader_;
  std::unique_ptr<grpc::ClientAsyncWriter<Note>> writer_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<Note, Note>> both_;
};

}  // namespace

std::unique_ptr<ClientCall> MakeStockQueueCall(const std::shared_ptr<grpc::Channel>& channel,
                                               const CallOptions& options) {
  return MakeStockCallOf<QueueCall>(channel, options);
}

}  // namespace udsrpc::parity
