// Numbers and times as people read them.

export const amps = (ma) => (ma === null || ma === undefined ? "–" : (ma / 1000).toFixed(1));

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const date = (unixS) => new Date(unixS * 1000);
const sameDay = (a, b) => date(a).toDateString() === date(b).toDateString();

// The time of day, with the day unless that is today.
export function clock(unixS, nowUnixS = Date.now() / 1000) {
  const time = CLOCK.format(date(unixS));
  return sameDay(unixS, nowUnixS) ? time : `${DAY.format(date(unixS))} ${time}`;
}

// A <time> element with seconds, and with the day unless that is today.
export function timeElement(unixS) {
  const made = document.createElement("time");
  made.dateTime = date(unixS).toISOString();
  const time = date(unixS).toLocaleTimeString([], { hourCycle: "h23" });
  made.textContent = sameDay(unixS, Date.now() / 1000) ? time : `${DAY.format(date(unixS))} ${time}`;
  made.title = date(unixS).toLocaleString();
  return made;
}
