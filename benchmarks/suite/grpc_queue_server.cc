#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

#include <vector>

#include "benchmarks/suite/grpc_server.h"
#include "echo.grpc.pb.h"

namespace udsrpc::benchmarks {
namespace {

// As many as there are CPUs on the smallest machines, and more than one: a handler may sleep.
constexpr int kThreads = 2;
// Unary calls that are asked for ahead, so that a burst finds them there.
constexpr int kUnaryAhead = 64;

struct Source {
  Echo::AsyncService& service;
  grpc::ServerCompletionQueue& queue;
};

// A call from the moment on at which it is asked for; its own tag. Deletes itself.
class Call {
 public:
  explicit Call(const Source& source) : source_(source) {}
  virtual ~Call() = default;

  void Proceed(bool ok) {
    switch (state_) {
      case State::kAskedFor:
        if (!ok) return delete this;  // the server ends
        state_ = State::kOpen;
        AskForNext();
        return Begin();
      case State::kOpen:
        return Continue(ok);
      case State::kFinishing:
        return delete this;
    }
  }

 protected:
  virtual void AskForNext() = 0;
  virtual void Begin() = 0;
  // An operation has ended, well or not.
  virtual void Continue(bool ok) = 0;
  // The next thing that is told of is the end of the call.
  void Finishing() { state_ = State::kFinishing; }

  const Source& source_;
  grpc::ServerContext context_;

 private:
  enum class State { kAskedFor, kOpen, kFinishing };
  State state_ = State::kAskedFor;
};

class UnaryCall final : public Call {
 public:
  explicit UnaryCall(const Source& source) : Call(source), responder_(&context_) {
    source.service.RequestUnary(&context_, &request_, &responder_, &source.queue, &source.queue, this);
  }

 private:
  void AskForNext() override { new UnaryCall(source_); }
  void Begin() override {
    AnswerUnary(request_, reply_);
    Finishing();
    responder_.Finish(reply_, grpc::Status::OK, this);
  }
  void Continue(bool /*ok*/) override {}

  Payload request_;
  Payload reply_;
  grpc::ServerAsyncResponseWriter<Payload> responder_;
};

class DownloadCall final : public Call {
 public:
  explicit DownloadCall(const Source& source) : Call(source), writer_(&context_) {
    source.service.RequestDownload(&context_, &request_, &writer_, &source.queue, &source.queue, this);
  }

 private:
  void AskForNext() override { new DownloadCall(source_); }
  void Begin() override {
    payload_.set_data(request_.data());
    Continue(true);
  }
  void Continue(bool ok) override {
    if (ok && (request_.count() == 0 || sent_ < request_.count())) {
      ++sent_;
      return writer_.Write(payload_, this);
    }
    Finishing();
    writer_.Finish(grpc::Status::OK, this);
  }

  DownloadRequest request_;
  Payload payload_;
  uint64_t sent_ = 0;
  grpc::ServerAsyncWriter<Payload> writer_;
};

class PingPongCall final : public Call {
 public:
  explicit PingPongCall(const Source& source) : Call(source), stream_(&context_) {
    source.service.RequestPingPong(&context_, &stream_, &source.queue, &source.queue, this);
  }

 private:
  void AskForNext() override { new PingPongCall(source_); }
  void Begin() override { stream_.Read(&payload_, this); }
  void Continue(bool ok) override {
    if (!ok) {
      Finishing();
      return stream_.Finish(grpc::Status::OK, this);
    }
    was_read_ = !was_read_;
    if (was_read_) {
      stream_.Write(payload_, this);
    } else {
      stream_.Read(&payload_, this);
    }
  }

  Payload payload_;
  bool was_read_ = false;
  grpc::ServerAsyncReaderWriter<Payload, Payload> stream_;
};

class UploadCall final : public Call {
 public:
  explicit UploadCall(const Source& source) : Call(source), reader_(&context_) {
    source.service.RequestUpload(&context_, &reader_, &source.queue, &source.queue, this);
  }

 private:
  void AskForNext() override { new UploadCall(source_); }
  void Begin() override { reader_.Read(&payload_, this); }
  void Continue(bool ok) override {
    if (ok) {
      reply_.set_bytes(reply_.bytes() + payload_.data().size());
      return reader_.Read(&payload_, this);
    }
    Finishing();
    reader_.Finish(reply_, grpc::Status::OK, this);
  }

  Payload payload_;
  UploadReply reply_;
  grpc::ServerAsyncReader<UploadReply, Payload> reader_;
};

class QueueServer final : public RunningServer {
 public:
  explicit QueueServer(const std::string& path) {
    grpc::ServerBuilder builder;
    queue_ = builder.AddCompletionQueue();
    server_ = StartGrpc(builder, path, service_);
    source_ = std::make_unique<Source>(Source{.service = service_, .queue = *queue_});
    for (int i = 0; i < kUnaryAhead; ++i) new UnaryCall(*source_);
    new DownloadCall(*source_);
    new PingPongCall(*source_);
    new UploadCall(*source_);
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Poll(); });
  }
  ~QueueServer() override {
    server_->Shutdown(std::chrono::system_clock::now());
    queue_->Shutdown();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void Poll() {
    void* tag;
    for (bool ok; queue_->Next(&tag, &ok);) static_cast<Call*>(tag)->Proceed(ok);
  }

  Echo::AsyncService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Source> source_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<RunningServer> ServeGrpcQueue(const std::string& path) { return std::make_unique<QueueServer>(path); }

}  // namespace udsrpc::benchmarks
