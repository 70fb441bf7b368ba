// Run in every page before its own scripts: what may still change the page by itself, and when it
// last has. The list's script asks through `redrive.watch`.
(() => {
  const NAME = Symbol.for("redrive.watch"), later = window.setTimeout;
  const due = new Map(), fired = new Map(), sizes = new Map();
  const everything = document.getElementsByTagName("*"), shadows = new Set();
  let hasActed = false, refusal = "";
  const size = () => [...shadows].reduce(
    (sum, root) => sum + root.querySelectorAll("*").length, everything.length);

  // A timer or interval that has gone off twice and left the page as large as it was repeats itself
  // (a clock, a carousel) and brings no bills. What goes off once each time that we scroll is
  // another matter, and so is what each press or choice brings: the count begins anew then.
  const goesOff = name => {
    const now = size(), grows = sizes.has(name) && sizes.get(name) !== now;
    fired.set(name, grows ? 0 : (fired.get(name) || 0) + 1);
    sizes.set(name, now);
  };
  const renew = () => {
    hasActed = true;
    refusal = "";
    fired.clear();
    for (const loop of loops.values()) Object.assign(loop, {frames: 0, spent: 0});
  };
  // Playwright's choice in a select is no trusted event; "change" does not leave a shadow root.
  const onAct = event => {
    if (event.isTrusted || event.composedPath()[0].localName === "select") renew();
  };
  for (const act of ["pointerdown", "keydown", "input"]) addEventListener(act, onAct, true);
  const watchTimer = (start, repeats) => new Proxy(start, {apply(target, self, args) {
    const [work, delay = 0, ...rest] = args;
    const name = `${work}|${delay}`, after = Number(delay) || 0;
    const wait = () => {
      if ((fired.get(name) || 0) < 2) due.set(id, performance.now() + after);
    };
    const hasGoneOff = () => {
      due.delete(id);
      goesOff(name);
      if (repeats) wait();
    };
    const id = Reflect.apply(target, self, typeof work !== "function" ? args : [
      function (...given) { hasGoneOff(); return work.apply(this, given); }, delay, ...rest]);
    wait();
    if (typeof work !== "function") Reflect.apply(target, self, [hasGoneOff, after]);
    return id;
  }});
  const forget = stop => new Proxy(stop, {apply(target, self, args) {
    due.delete(args[0]);
    return Reflect.apply(target, self, args);
  }});
  window.setTimeout = watchTimer(window.setTimeout, false);
  window.setInterval = watchTimer(window.setInterval, true);
  window.clearTimeout = forget(window.clearTimeout);
  window.clearInterval = forget(window.clearInterval);

  // A page may count frames before it shows the rest of its list. Work that asks for one frame after
  // another for long and leaves the page as large as it was (a drawing, a clock) brings nothing.
  const LEAST_FRAMES = 150, LOOP_LASTS = 2500, LOOP_LASTS_AT_MOST = 6000, FRAMES_A_LOOK = 20;
  const loops = new Map(), waiting = new Map();  // by the work's source; what a frame was asked for
  const watchFrames = (ask, stop) => {
    window[ask] = new Proxy(window[ask], {apply(target, self, [work, ...rest]) {
      if (typeof work !== "function") return Reflect.apply(target, self, [work, ...rest]);
      const name = `${work}`, askedAt = performance.now();
      const loop = loops.get(name) || {frames: 0, spent: 0, size: size()};
      loops.set(name, loop);
      const id = Reflect.apply(target, self, [function (...given) {
        waiting.delete(ask + id);
        loop.frames += 1;
        loop.spent += performance.now() - askedAt;
        if (loop.frames % FRAMES_A_LOOK === 0 && loop.size !== size())
          Object.assign(loop, {frames: 0, spent: 0, size: size()});
        return work.apply(this, given);
      }, ...rest]);
      waiting.set(ask + id, {loop, askedAt});
      return id;
    }});
    window[stop] = new Proxy(window[stop], {apply(target, self, args) {
      waiting.delete(ask + args[0]);
      return Reflect.apply(target, self, args);
    }});
  };
  watchFrames("requestAnimationFrame", "cancelAnimationFrame");
  watchFrames("requestIdleCallback", "cancelIdleCallback");
  const leadsOn = ({loop, askedAt}, now) => {
    const spent = loop.spent + now - askedAt;
    return spent < LOOP_LASTS_AT_MOST && (loop.frames < LEAST_FRAMES || spent < LOOP_LASTS);
  };

  // What may send the page something: it is waited for from when it is opened or asked, until it
  // answers. One that was asked twice and did not (a chat, a counter of visits) has nothing to say.
  // An answer that makes the page grow may be the first of several.
  const ANSWERS_WITHIN = 3000, MORE_WITHIN = 2500, MOST_PARTS = 8;
  const asked = new Map();
  const watchSource = (name, ask) => {
    if (!window[name]) return;
    window[name] = new Proxy(window[name], {construct(target, args, made) {
      const source = Reflect.construct(target, args, made), at = source.port || source;
      let times = 0, parts = 0;
      const isAsked = () => {
        times += 1;
        if (times <= 3) asked.set(source, performance.now());
      };
      const hasAnswered = () => { asked.delete(source); times = 1; };
      for (const end of ["message", "error", "close"]) at.addEventListener(end, hasAnswered);
      at.addEventListener("message", () => {
        const before = size();
        later(() => {
          if (size() === before || source.readyState > 1 || parts >= MOST_PARTS) return;
          parts += 1;
          asked.set(source, performance.now() - ANSWERS_WITHIN + MORE_WITHIN);
        });
      });
      if (ask) at[ask] = new Proxy(at[ask], {apply(send, self, given) {
        isAsked();
        return Reflect.apply(send, at, given);
      }});
      isAsked();
      return source;
    }});
  };
  watchSource("WebSocket", "send");
  watchSource("EventSource");
  watchSource("Worker", "postMessage");
  watchSource("SharedWorker", "postMessage");

  // What an answer to the page has said in place of a part of its list, since it was last pressed or
  // scrolled: an error under status 200, or the page to log in by.
  const LONGEST_ANSWER = 100000;
  const judge = answer => {
    if (typeof answer === "string") {
      if (answer.length > LONGEST_ANSWER) return;
      if (/<input[^>]+type=["']?password/i.test(answer)) refusal = "log in";
      else if (/^\s*\{/.test(answer)) try { judge(JSON.parse(answer)); } catch { /* no JSON */ }
    } else if (answer && typeof answer === "object") {
      const {error, errors, success, message} = answer, first = Array.isArray(errors) && errors[0];
      const said = first?.message || (hasActed && (error?.message || error
        || success === false && (message || "success: false")));
      if (said) refusal = String(typeof said === "object" ? JSON.stringify(said) : said).slice(0, 200);
    }
  };
  const overhear = (of, name) => {
    of[name] = new Proxy(of[name], {apply(target, self, args) {
      const answer = Reflect.apply(target, self, args);
      later(() => answer.then(judge, () => {}));
      return answer;
    }});
  };
  overhear(Response.prototype, "json");
  overhear(Response.prototype, "text");
  XMLHttpRequest.prototype.send = new Proxy(XMLHttpRequest.prototype.send, {
    apply(target, self, args) {
      self.addEventListener("load", () => {
        judge(["", "text"].includes(self.responseType) ? self.responseText : self.response);
      });
      return Reflect.apply(target, self, args);
    },
  });

  // Which parts of the page a script listens to, for a press or for a choice.
  const PRESSES = ["click", "mousedown", "mouseup", "pointerdown", "pointerup", "touchend"];
  const hearing = new WeakSet(), choosing = new WeakSet();
  EventTarget.prototype.addEventListener = new Proxy(EventTarget.prototype.addEventListener, {
    apply(target, self, args) {
      if (self instanceof Element && PRESSES.includes(args[0])) hearing.add(self);
      if (self instanceof Element && ["change", "input"].includes(args[0])) choosing.add(self);
      return Reflect.apply(target, self, args);
    },
  });

  // A script that takes itself out of the page has run all the same.
  let hasRun = false, changedAt = performance.now();
  const isOurs = record => record.type === "attributes"
    && record.attributeName.startsWith("data-redrive-");
  const note = records => {
    if (!records.every(isOurs)) changedAt = performance.now();
    hasRun = hasRun || records.some(
      record => [...record.addedNodes].some(part => part.localName === "script"));
  };
  const observer = new MutationObserver(note);
  const observe = root => observer.observe(root,
    {subtree: true, childList: true, characterData: true, attributes: true});
  const observeShadow = root => {
    shadows.add(root);
    observe(root);
  };
  observe(document);
  // What stands in a closed part of the page is shown, too: it is read like all others.
  Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
    apply(target, self, [options, ...rest]) {
      const root = Reflect.apply(target, self, [{...options, mode: "open"}, ...rest]);
      observeShadow(root);
      return root;
    },
  });
  const upToNow = () => note(observer.takeRecords());

  // The page's own frames are a part of it.
  const inFrames = question => [...Array(frames.length).keys()].map(index => {
    try { return question(frames[index][NAME]); }
    catch { return 0; }  // another site's
  });
  const endsWithin = (animation, most) => {
    const left = animation.playState === "running" && animation.effect
      ? animation.effect.getComputedTiming().endTime - animation.currentTime : 0;
    return left > 0 && left < most;
  };
  const soon = most => {
    const now = performance.now();
    return [...due.values()].filter(at => at - now < most).length
      + [...asked.values()].filter(at => now - at < ANSWERS_WITHIN).length
      + [...waiting.values()].filter(one => leadsOn(one, now)).length
      + document.getAnimations().filter(one => endsWithin(one, most)).length;
  };
  Object.defineProperty(window, NAME, {value: {
    due: seconds => inFrames(frame => frame.due(seconds)).reduce(
      (sum, count) => sum + count, soon(seconds * 1000)),
    hears: part => hearing.has(part),
    hearsChoice: part => choosing.has(part),
    renew,
    refusal: () => refusal,
    hasRun: () => { upToNow(); return hasRun; },
    // For how many seconds these roots have not changed: one is watched from when it is first seen.
    still: roots => {
      upToNow();
      const unwatched = roots.filter(root => root !== document && !shadows.has(root));
      unwatched.forEach(observeShadow);
      if (unwatched.length) changedAt = performance.now();
      return (performance.now() - changedAt) / 1000;
    },
  }});
})()
