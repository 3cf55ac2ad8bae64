// For Next.js with its app router: the two lines about Script in app/layout.jsx (or .tsx).
import Script from 'next/script';

export default function RootLayout({ children }) {
  return (
    <html lang="en">
      <body>
        {children}
        <Script src="{{url}}/public/analytics.js" data-site="{{site}}"{{#hash}} data-hash=""{{/hash}}{{#dnt}} data-dnt=""{{/dnt}} />
      </body>
    </html>
  );
}
